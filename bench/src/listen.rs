//! With a socket that was bound for the server: how long after it begins to accept a client has its answer.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::{median, now_ms};
use crate::tools::Tools;
use crate::trouble::Result;

const ROUNDS: usize = 25;
/// How long the server takes before it accepts, in milliseconds.
const START: &str = "200";
const DEADLINE: Duration = Duration::from_secs(10);

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    let rounds = (0..ROUNDS).map(|_| round(tools)).collect::<Result<Vec<_>>>()?;
    let (answers, returns): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    let row = Row::new("listen: server accepts → first answer at a client", "ms", median(&answers));
    report.add(row.must(Target::Figure(1.0)));
    report.add(Row::new("… → ensure returns", "ms", median(&returns)));
    Ok(())
}

/// The answer at a client that connected before anybody accepted, and the return of the call that started the server.
fn round(tools: &Tools) -> Result<(f64, f64)> {
    let fixture = tools.fixture()?.display().to_string();
    let scene = Scene::new(&[&fixture, "--passed", "--delay", START, "--note-accept", "DIR/accept"])?;
    let port = scene.port;
    thread::scope(|scope| {
        let client = scope.spawn(move || -> Result<f64> {
            await_socket(port)?;
            crate::fast::get(port, "/health")?;
            Ok(now_ms())
        });
        scene.spec().listen(format!("tcp:{port}")).ensure()?;
        let returned_at = now_ms();
        let answered_at = client.join().map_err(|_| "a client panicked")??;
        let accepts_at = scene.noted("accept")?;
        Ok((answered_at - accepts_at, returned_at - accepts_at))
    })
}

/// Waits until the port is listened on: from the moment on at which its starter has bound it.
fn await_socket(port: u16) -> Result<()> {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begin.elapsed() > DEADLINE {
            return Err("nobody listens".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
