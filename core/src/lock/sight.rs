//! What is seen of an existence lock, and for how long it has been seen so.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::deadline::{self, Deadline, LONG_ENOUGH};
use crate::holder::Holder;
use crate::lock::content::{self, Owner};
use crate::lock::options::Terms;
use crate::sys::{self, FileFacts, Lookup};

/// What a look at an existence lock tells.
#[derive(Debug)]
pub(crate) enum Seen {
    Free,
    /// Its owner lives, or may live.
    Held(Option<Holder>),
    /// Left behind: to be taken over while it is still this very file.
    Stale(FileFacts),
    /// Its owner lives, and has been waited for as long as `break_after` says.
    Overdue(FileFacts, Holder),
}

/// What one waiter has seen so far. It counts on its own monotonic clock, so that a jump of the wall clock makes nothing stale.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    file: Option<Seeing<FileFacts>>,
    /// One holder, however often it refreshes its lock.
    holder: Option<Seeing<Option<Holder>>>,
}

/// What is seen, and since when.
#[derive(Debug)]
struct Seeing<T> {
    what: T,
    since: Deadline,
}

impl<T: Clone + PartialEq> Seeing<T> {
    /// For how long it has been seen so.
    fn note(seeing: &mut Option<Self>, now: &T) -> Duration {
        let known = seeing.take().filter(|known| known.what == *now);
        let known = known.unwrap_or_else(|| Seeing { what: now.clone(), since: Deadline::after(LONG_ENOUGH) });
        seeing.insert(known).since.elapsed()
    }
}

impl Sight {
    /// Looks at the lock.
    ///
    /// # Errors
    /// What keeps us from looking at all, such as a want of descriptors; a file that may not be read is judged by its age.
    pub(crate) fn look(&mut self, path: &Path, terms: &Terms) -> io::Result<Seen> {
        let Some((facts, holder)) = read(path)? else {
            *self = Sight::default();
            return Ok(Seen::Free);
        };
        let unchanged = Seeing::note(&mut self.file, &facts);
        let held_for = Seeing::note(&mut self.holder, &holder);
        Ok(match (&holder, holder.as_ref().map_or(Owner::Unknown, content::owner)) {
            (_, Owner::Dead) => Seen::Stale(facts),
            (Some(holder), _) if terms.break_after.is_some_and(|limit| held_for >= limit) => Seen::Overdue(facts, holder.clone()),
            (_, Owner::Alive) => Seen::Held(holder),
            (_, Owner::Unknown) if is_left_behind(&facts, holder.as_ref(), unchanged, terms.stale_after) => Seen::Stale(facts),
            (_, Owner::Unknown) => Seen::Held(holder),
        })
    }

    /// Whom it was seen held by.
    pub(crate) fn seen(&self) -> Option<&Holder> {
        self.holder.as_ref()?.what.as_ref()
    }
}

/// Who holds the lock now; nobody when it is free or its owner is dead.
pub(crate) fn holder(path: &Path, terms: &Terms) -> io::Result<Option<Holder>> {
    Ok(match Sight::default().look(path, terms)? {
        Seen::Free | Seen::Stale(_) => None,
        Seen::Held(holder) => Some(holder.unwrap_or_default()),
        Seen::Overdue(_, holder) => Some(holder),
    })
}

/// The file and what stands in it, as far as it can be read; `None` when it is missing.
fn read(path: &Path) -> io::Result<Option<(FileFacts, Option<Holder>)>> {
    let file = match sys::open_private(path, Lookup::Existing) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if sys::is_our_shortage(&error) => return Err(error),
        // A link, a socket, a file of somebody else's: it is there, and that is all we can tell.
        Err(error) => return sys::facts_at(path).map(|facts| Some((facts, None))).or_else(|gone| missing(&gone).ok_or(error)),
    };
    let facts = sys::facts_of(&file)?;
    let mut text = [0; content::LONGEST];
    // One read: a file on disk gives all it has.
    let holder = sys::read_start(&file, &mut text).ok().and_then(|length| content::parse(&text[..length]));
    Ok(Some((facts, holder)))
}

fn missing<T>(error: &io::Error) -> Option<Option<T>> {
    (error.kind() == io::ErrorKind::NotFound).then_some(None)
}

/// By its time on disk, where that can be trusted: not one from the future, and not alone for a lock that its holder keeps
/// fresh, which must also have gone without a refresh before our eyes.
fn is_left_behind(facts: &FileFacts, holder: Option<&Holder>, unchanged: Duration, stale_after: Duration) -> bool {
    let old = deadline::age(facts.changed_ns).is_some_and(|age| age >= stale_after);
    let watched = if holder.is_some_and(content::is_refreshed) { stale_after / 2 } else { Duration::ZERO };
    unchanged >= stale_after || (old && unchanged >= watched)
}
