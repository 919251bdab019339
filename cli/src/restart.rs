//! `server-init restart`.

use std::time::Duration;

use spawnlock::{RestartOptions, StateDir};

use crate::args::{self, Common};
use crate::ensure::{report, time};
use crate::output::Output;
use crate::progress::Progress;
use crate::signals;
use crate::trouble::Result;

pub fn run(args: args::Restart, common: &Common, output: &Output) -> Result<u8> {
    let progress = Progress::new(common);
    let dir = StateDir::new(common.state_dir.as_deref())?;
    let mut options = RestartOptions::new().cancel(signals::cancel()).on_event(progress.listener());
    if let Some(generation) = args.if_generation {
        options = options.only_generation(generation);
    }
    type Set = fn(RestartOptions, Duration) -> RestartOptions;
    let times: [(&str, Option<String>, Set); 3] = [
        ("--timeout", args.timeout, RestartOptions::timeout),
        ("--stop-timeout", args.stop_timeout, RestartOptions::stop_timeout),
        ("--break-after", args.break_after, RestartOptions::break_after),
    ];
    for (flag, text, set) in times {
        if let Some(time) = time(flag, text)? {
            options = set(options, time);
        }
    }
    let server = dir.restart(&args.name.unwrap_or_default(), &options);
    progress.clear();
    report(&server?, &args.print, output)
}
