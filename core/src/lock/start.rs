//! What must be held to start the server of a place: its own lock, and one at a path of the user's choice for neighbours who know
//! only that.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::cancel::Patience;
use crate::holder::Holder;
use crate::lock::mutex::beside;
use crate::lock::{Acquired, LockKind, SpawnLock, Terms, acquire_with_news};
use crate::place::Place;

/// The locks of a start, in the order in which they are taken.
#[derive(Clone, Debug)]
pub(crate) struct StartLock {
    place: Place,
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    path: PathBuf,
    kind: LockKind,
    /// Another layer does where this one cannot be had.
    optional: bool,
}

/// The locks of a start, held. The neighbours' is let go first.
#[derive(Debug)]
pub(crate) struct StartGuard(Vec<SpawnLock>);

impl Drop for StartGuard {
    fn drop(&mut self) {
        while let Some(lock) = self.0.pop() {
            drop(lock);
        }
    }
}

impl StartGuard {
    /// The locked file, to be handed to another process; `None`, and let go, where that cannot be.
    pub(crate) fn hand_over(mut self) -> Option<File> {
        if self.0.len() == 1 { self.0.pop()?.hand_over() } else { None }
    }
}

impl StartLock {
    /// The place's own lock always comes first, whatever the kind: so the clients of a name exclude each other, and share
    /// their news, also when they differ in their options.
    pub(crate) fn of(place: &Place, kind: LockKind, file: Option<PathBuf>) -> Self {
        let own = |kind, optional| Layer { path: place.spawn_lock(), kind, optional };
        let layers = match (kind, file) {
            (LockKind::Auto | LockKind::Flock, None) => vec![own(kind, false)],
            (LockKind::Excl, None) => {
                let path = beside(&place.spawn_lock(), ".excl");
                vec![own(LockKind::Flock, true), Layer { path, kind, optional: false }]
            }
            // What other tools understand at a path of theirs is a file that exists.
            (LockKind::Auto | LockKind::Excl, Some(path)) => {
                vec![own(LockKind::Auto, true), Layer { path, kind: LockKind::Excl, optional: false }]
            }
            (LockKind::Flock, Some(path)) => vec![own(LockKind::Auto, true), Layer { path, kind, optional: false }],
        };
        StartLock { place: place.clone(), layers }
    }

    /// Waits for the locks, for what `look` finds, or for the end of `patience`, whichever is first.
    /// `tell` is called once for each lock that is waited for about a second, with the holder.
    pub(crate) fn acquire<T>(
        &self,
        patience: &Patience,
        mut tell: impl FnMut(Option<Holder>),
        mut look: impl FnMut() -> Option<T>,
    ) -> Acquired<T, StartGuard> {
        let mut guard = StartGuard(Vec::with_capacity(self.layers.len()));
        let no_place = self.place.create().err();
        for layer in &self.layers {
            let acquired = match &no_place {
                Some(cause) if layer.path.starts_with(self.place.dir()) => Acquired::Unavailable(again(cause)),
                _ => acquire_with_news(&layer.path, &Terms::of_place(layer.kind), self.place.dir(), patience, &mut tell, &mut look),
            };
            match acquired {
                Acquired::Held(lock) | Acquired::Broken(lock, _) => guard.0.push(lock),
                Acquired::Unavailable(_) if layer.optional => {}
                Acquired::Unavailable(cause) => return Acquired::Unavailable(cause),
                Acquired::Told(news) => return Acquired::Told(news),
                Acquired::Elapsed => return Acquired::Elapsed,
                Acquired::Cancelled => return Acquired::Cancelled,
            }
        }
        Acquired::Held(guard)
    }

    /// The locks as somebody holds them who handed over the only one.
    pub(crate) fn handed_over(&self, file: File) -> Option<StartGuard> {
        let [layer] = &self.layers[..] else { return None };
        SpawnLock::handed_over(file, &layer.path).map(|lock| StartGuard(vec![lock]))
    }

    /// Who holds one of them now, as far as it was written down. The place's own may be held by existence where it is to be a `flock`
    /// here, and there can be none.
    pub(crate) fn holder(&self) -> Option<Holder> {
        let kind = |layer: &Layer| if layer.path == self.place.spawn_lock() { LockKind::Auto } else { layer.kind };
        let holder = |layer: &Layer| SpawnLock::holder_of(&layer.path, kind(layer)).ok().flatten();
        self.layers.iter().find_map(holder).filter(|holder| holder.pid > 0)
    }
}

/// The same error for the next layer.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}
