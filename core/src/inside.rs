//! A call that is made from inside another for the same server would wait for itself.

use std::cell::RefCell;
use std::path::PathBuf;

thread_local! {
    /// The places of the calls under way on this thread: a check or a listener that asks for the same server would wait for itself.
    static UNDER_WAY: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// Marks a call as under way on this thread.
pub(crate) struct Inside(PathBuf);

impl Inside {
    pub(crate) fn enter(place: PathBuf) -> Option<Self> {
        UNDER_WAY.with_borrow_mut(|under_way| {
            if under_way.contains(&place) {
                return None;
            }
            under_way.push(place.clone());
            Some(Inside(place))
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(|under_way| under_way.retain(|place| *place != self.0));
    }
}
