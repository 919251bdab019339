//! From the death of a server's last user to the end of the server.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::report::{Report, Row};
use crate::scene::Scene;
use crate::stats::{median, now_ms};
use crate::told::Told;
use crate::tools::Tools;
use crate::trouble::Result;

const ROUNDS: usize = 25;
const LOOK: Duration = Duration::from_micros(200);
const DEADLINE: Duration = Duration::from_secs(10);

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    let samples = (0..ROUNDS).map(|_| round(tools)).collect::<Result<Vec<f64>>>()?;
    report.add(Row::new("last user killed → server gone", "ms", median(&samples)));
    Ok(())
}

fn round(tools: &Tools) -> Result<f64> {
    let scene = Scene::new(&[&tools.fixture()?.display().to_string(), "--port", "PORT"])?;
    let mut user = Told::start(&mut scene.asking(tools, "user"))?;
    user.hear("back")?;
    // As a user does who did something: the minder has gone to sleep.
    thread::sleep(Duration::from_millis(150));
    let killed_at = now_ms();
    user.kill()?;
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", scene.port)).is_ok() {
        if begin.elapsed() > DEADLINE {
            return Err("the server outlived its last user".into());
        }
        thread::sleep(LOOK);
    }
    Ok(now_ms() - killed_at)
}
