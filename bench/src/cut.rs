//! An end to what would never end.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Kills processes of ours that take too long, unless it is dropped before.
pub struct Cut(Sender<()>);

impl Cut {
    pub fn after(limit: Duration, pids: Vec<u32>) -> Self {
        let (tell, told) = mpsc::channel::<()>();
        thread::spawn(move || {
            if told.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                for pid in pids.into_iter().filter_map(|pid| Pid::from_raw(pid as i32)) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        });
        Cut(tell)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
