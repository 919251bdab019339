//! A call in this process that stands still at one of its events, until it is told to go on.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use spawnlock::Event;

/// Longer than any call takes to come to its event, however busy the machine.
const LIMIT: Duration = Duration::from_secs(20);

/// The moment at which it stands still. Dropped, it lets the call go on.
#[derive(Debug)]
pub struct Pause {
    reached: Receiver<()>,
    go_on: Sender<()>,
}

impl Pause {
    /// Stands still once, at the first event that is meant: what is given is to be told of the events.
    pub fn at(is_meant: impl Fn(&Event) -> bool + Send + Sync + 'static) -> (Pause, impl Fn(&Event) + Send + Sync + 'static) {
        let ((tell, reached), (go_on, wait)) = (channel(), channel::<()>());
        let once = Mutex::new(Some((tell, wait)));
        let listen = move |event: &Event| {
            if is_meant(event)
                && let Some((tell, wait)) = once.lock().expect("no panic in a listener").take()
            {
                let _ = tell.send(());
                let _ = wait.recv();
            }
        };
        (Pause { reached, go_on }, listen)
    }

    /// Waits until the call stands still.
    ///
    /// # Panics
    /// When it does not come to its event.
    #[track_caller]
    pub fn reached(&self) {
        self.reached.recv_timeout(LIMIT).expect("a call that comes to its event");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not stand still.
    #[track_caller]
    pub fn go_on(self) {
        self.go_on.send(()).expect("a call that stands still");
    }
}
