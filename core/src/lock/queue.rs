//! Waiting for a lock in line, so that a release wakes one and not all.
//!
//! For a kernel lock that is the kernel's own queue. Those who wait for an existence lock queue for a kernel lock beside it,
//! `<lock>.queue`, and only the first of them watches the lock itself.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use crate::cancel::{Patience, Wake};
use crate::holder::Holder;
use crate::lock::acquire::{Acquired, written_holder};
use crate::lock::mutex::beside;
use crate::lock::options::{Signature, Terms};
use crate::lock::seat::{Granted, Seat};
use crate::lock::wait::{Contender, TELL_AFTER, Tried};
use crate::lock::{LockKind, contended, flock, kernel};
use crate::sys::{self, CloseOnFork, Lookup};

/// How often those behind the first look for themselves: the first may be frozen.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Takes a lock of one kind. `tell` is called once, after about a second.
pub(crate) fn take(path: &Path, terms: &Terms, patience: &Patience, mut tell: impl FnMut(Option<Holder>)) -> Acquired<()> {
    let mut contender = Contender::new(path, terms);
    let waits = !patience.deadline.expired();
    // The kernel's queue tells nobody whether one stands in it: who has waited in it lately takes it that one does. Whom he stepped
    // before would find the lock taken, line up again, and wake all those behind him.
    let steps_behind = waits && terms.kind != LockKind::Excl && contended::was_lately(path);
    let (mut tried, standing) =
        if steps_behind { (contender.step_behind(), None) } else { first_try(&mut contender, path, terms, waits, patience) };
    let mut tell = Some(|| tell(written_holder(path, terms.kind)));
    loop {
        if let Some(ended) = tried.ended() {
            return ended;
        }
        if patience.deadline.expired() {
            return Acquired::Elapsed;
        }
        let Some((file, id)) = contender.take_file() else {
            return in_line(contender, standing, path, terms, patience, tell);
        };
        // A process that may not start a thread watches.
        let Ok(seat) = Seat::take(file, id, patience) else { return watching(contender, patience, tell) };
        match granted(seat, patience, &mut tell) {
            ControlFlow::Continue(granted) => tried = contender.granted(granted),
            ControlFlow::Break(ended) => return ended,
        }
    }
}

/// The first try, and the line where one stands: nobody who waits steps before those who stand in it already, and one who does not
/// wait at all takes what is there.
pub(crate) fn first_try(
    contender: &mut Contender<'_>,
    path: &Path,
    terms: &Terms,
    waits: bool,
    patience: &Patience,
) -> (Tried, Option<File>) {
    let standing = if waits && terms.kind == LockKind::Excl { Line::standing(path) } else { None };
    (if standing.is_some() { contender.look() } else { contender.try_now(patience) }, standing)
}

/// Waits in the kernel's queue.
fn granted(seat: Seat, patience: &Patience, tell: &mut Option<impl FnOnce()>) -> ControlFlow<Acquired<()>, Granted> {
    let mut woken = seat.wait(&patience.within(TELL_AFTER));
    if matches!(woken, Ok(Wake::Elapsed)) && !patience.deadline.expired() {
        tell_once(tell);
        woken = seat.wait(patience);
    }
    match (seat.leave(), woken) {
        (_, Ok(Wake::Cancelled)) => ControlFlow::Break(Acquired::Cancelled),
        (Some(Ok(granted)), _) => ControlFlow::Continue(granted),
        (Some(Err(error)), _) | (None, Err(error)) => ControlFlow::Break(Acquired::Unavailable(error)),
        (None, Ok(_)) => ControlFlow::Break(Acquired::Elapsed),
    }
}

/// Waits for an existence lock: behind others, and then, as the first, for the lock itself.
fn in_line(
    mut contender: Contender<'_>,
    standing: Option<File>,
    path: &Path,
    terms: &Terms,
    patience: &Patience,
    mut tell: Option<impl FnOnce()>,
) -> Acquired<()> {
    let mut line = match standing.map_or_else(|| Line::join(path, patience), |file| Line::behind(file, patience)) {
        Ok(line) => line,
        // A file system without kernel locks: all watch.
        Err(_) => return watching(contender, patience, tell),
    };
    // Who may break the lock counts for himself how long this owner has had it.
    let look_again = terms.break_after.map_or(LOOK_AGAIN, |limit| limit.min(LOOK_AGAIN));
    let let_forward = matches!(line, Line::Behind(_));
    loop {
        match line.advance(&patience.within(look_again)) {
            Ok(Wake::Cancelled) => return Acquired::Cancelled,
            Ok(Wake::Elapsed) => {}
            Ok(Wake::Rung | Wake::Input) | Err(_) => {
                if matches!(line, Line::First { .. }) {
                    contender.stand_first(let_forward);
                }
                return watching(contender, patience, tell);
            }
        }
        if patience.deadline.elapsed() >= TELL_AFTER {
            tell_once(&mut tell);
        }
        if let Some(ended) = contender.try_now(patience).ended() {
            return ended;
        }
        if patience.deadline.expired() {
            return Acquired::Elapsed;
        }
    }
}

pub(crate) fn watching(contender: Contender<'_>, patience: &Patience, mut tell: Option<impl FnOnce()>) -> Acquired<()> {
    contender.wait(None, patience, || tell_once(&mut tell), || None)
}

fn tell_once(tell: &mut Option<impl FnOnce()>) {
    if let Some(tell) = tell.take() {
        tell();
    }
}

/// A place in the line for an existence lock. Dropping it lets the next one step forward.
pub(crate) enum Line {
    First { _on_fork: CloseOnFork, file: File },
    Behind(Option<Seat>),
}

impl Line {
    /// The line, if somebody stands in it. Where nobody ever did there is no file to ask.
    fn standing(lock: &Path) -> Option<File> {
        let file = sys::open_private(&beside(lock, ".queue"), Lookup::Existing).ok()?;
        matches!(kernel::try_lock(&file), Ok(false)).then_some(file)
    }

    fn join(lock: &Path, patience: &Patience) -> io::Result<Self> {
        let file = flock::open(&beside(lock, ".queue"), Signature::None)?;
        if kernel::try_lock(&file)? {
            let _on_fork = sys::close_on_fork(&file);
            return Ok(Line::First { _on_fork, file });
        }
        Line::behind(file, patience)
    }

    pub(crate) fn first(granted: Granted) -> Self {
        Line::First { _on_fork: granted.on_fork, file: granted.file }
    }

    fn behind(file: File, patience: &Patience) -> io::Result<Self> {
        let id = sys::facts_of(&file)?.id;
        Ok(Line::Behind(Some(Seat::take(file, id, patience)?)))
    }

    /// Waits until we are the first: `Wake::Rung`.
    fn advance(&mut self, patience: &Patience) -> io::Result<Wake> {
        let Line::Behind(seat) = self else { return Ok(Wake::Rung) };
        let Some(waiting) = seat.as_ref() else { return Ok(Wake::Rung) };
        let woken = waiting.wait(patience)?;
        if woken == Wake::Rung
            && let Some(granted) = seat.take().and_then(Seat::leave).transpose()?
        {
            *self = Line::first(granted);
        }
        Ok(woken)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        match self {
            Line::First { file, .. } => {
                let _ = kernel::unlock(file);
            }
            // Granted in this very moment: given back by dropping it.
            Line::Behind(seat) => drop(seat.take().and_then(Seat::leave)),
        }
    }
}
