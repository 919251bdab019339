//! How long after a server said that it is ready the call that started it returns.

use spawnlock::ServerSpec;

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::{median, now_ms};
use crate::tools::Tools;
use crate::trouble::Result;

const ROUNDS: usize = 25;
/// How long the server takes, in milliseconds.
const START: &str = "200";

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    type Ensure = fn(ServerSpec) -> spawnlock::Result<()>;
    let ways: [(Ensure, &str); 2] = [
        (|spec| spec.ensure().map(drop), "notify: READY=1 sent → ensure returns"),
        (|spec| spec.scoped().map(std::mem::forget), "… in a scope"),
    ];
    for (ensure, what) in ways {
        let samples = (0..ROUNDS).map(|_| round(tools, ensure)).collect::<Result<Vec<f64>>>()?;
        report.add(Row::new(what, "ms", median(&samples)).must(Target::Figure(1.0)));
    }
    Ok(())
}

fn round(tools: &Tools, ensure: fn(ServerSpec) -> spawnlock::Result<()>) -> Result<f64> {
    let scene = Scene::new(&[&tools.ourselves.display().to_string(), "notifier", START, "DIR/ready-at"])?;
    ensure(ServerSpec::new(crate::scene::NAME).command(scene.server.clone()).ready("notify").state_dir(scene.state_dir()))?;
    let returned_at = now_ms();
    // It sends first, and notes afterwards when that was.
    let noted = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        scene.ready_at().ok()
    });
    Ok(returned_at - noted.ok_or("the server noted nothing")?)
}
