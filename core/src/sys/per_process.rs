//! What each process has for itself: a forked child begins anew.
//!
//! A child inherits a mutex as it was at the fork, and if another thread of its parent held it just then, nobody in the child
//! ever lets go of it.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::on_fork::in_every_child;

/// Counts the forks that lie between this process and its first ancestor with this code.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// A value for one process. What a child inherits it leaves alone, unlocked and undropped.
pub(crate) struct PerProcess<T: 'static> {
    current: AtomicPtr<(u64, T)>,
    new: fn() -> T,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn new(new: fn() -> T) -> Self {
        PerProcess { current: AtomicPtr::new(ptr::null_mut()), new }
    }

    /// That of this process; made when it is first asked for.
    pub(crate) fn get(&self) -> &'static T {
        loop {
            let known = self.current.load(Ordering::Acquire);
            // SAFETY: what is put here came out of a box, is never freed, and is changed by nobody but through `&T`.
            match unsafe { known.as_ref() } {
                Some((forks, value)) if *forks == FORKS.load(Ordering::Acquire) => return value,
                _ => self.make(known),
            }
        }
    }

    #[cold]
    fn make(&self, known: *mut (u64, T)) {
        static REGISTERED: AtomicBool = AtomicBool::new(false);
        in_every_child(&REGISTERED, count);
        let made = Box::into_raw(Box::new((FORKS.load(Ordering::Acquire), (self.new)())));
        if self.current.compare_exchange(known, made, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: it came out of a box just now, and nobody else has seen it.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

unsafe extern "C" fn count() {
    FORKS.fetch_add(1, Ordering::AcqRel);
}

/// The id of this process. The system is asked once: what remembers it is found empty by every child, however that was made.
pub(crate) fn own_pid() -> u32 {
    static REMEMBERED: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    let mut place = REMEMBERED.load(Ordering::Acquire);
    if place.is_null() {
        place = emptied_by_fork();
        // Of two that were made at once one stays unused.
        REMEMBERED.store(place, Ordering::Release);
    }
    // SAFETY: a place that was made is never freed, and changed by atomic stores only.
    match unsafe { place.as_ref() } {
        None => std::process::id(),
        Some(pid) => match pid.load(Ordering::Relaxed) {
            0 => {
                pid.store(std::process::id(), Ordering::Relaxed);
                std::process::id()
            }
            pid => pid,
        },
    }
}

/// A place that every child finds empty, for good; null where the system has none.
fn emptied_by_fork() -> *mut AtomicU32 {
    const SIZE: usize = 4096;
    /// `MADV_WIPEONFORK` of Linux, which no other system knows by this number.
    const WIPE_ON_FORK: libc::c_int = 18;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new memory of our own, in whole pages; zeros are a valid counter.
    unsafe {
        let page = libc::mmap(ptr::null_mut(), SIZE, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        if page == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        if libc::madvise(page, SIZE, WIPE_ON_FORK) != 0 {
            libc::munmap(page, SIZE);
            return ptr::null_mut();
        }
        page.cast()
    }
}
