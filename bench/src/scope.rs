//! A scope on a running server, entered and left, beside a bare `ensure` of the same server. Another user keeps it.

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::scripts::{Language, node_language, python_language};
use crate::stats::{in_turns, median};
use crate::tools::Tools;
use crate::trouble::Result;

const WARM_UP: usize = 100;
const ROUNDS: usize = 1500;
/// In the other languages: turns, calls of one, turns that do not count.
const TURNS: usize = 40;
const CALLS: usize = 20;
const WARM_TURNS: usize = 5;
/// What a scope may cost.
const LIMIT: Target = Target::Ratio(1.5);

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    for (whose, server) in servers(tools)? {
        let words: Vec<&str> = server.iter().map(String::as_str).collect();
        let scene = Scene::new(&words)?;
        let _other = scene.spec().scoped()?;
        let samples =
            in_turns(WARM_UP, ROUNDS, &mut [&mut || Ok(scene.spec().scoped().map(drop)?), &mut || Ok(scene.spec().ensure().map(drop)?)])?;
        let [scope, bare] = [0, 1].map(|which| median(&samples[which]) * 1000.0);
        report.add(Row::new(format!("scope in Rust, {whose}"), "µs", scope).against("bare ensure", bare).must(LIMIT));
        for language in [node_language(tools), python_language(tools)] {
            match language.and_then(|language| compare(&language, &scene, whose)) {
                Ok(row) => report.add(row),
                Err(trouble) => report.without("scope in another language", &*trouble),
            }
        }
    }
    Ok(())
}

fn servers(tools: &Tools) -> Result<[(&'static str, Vec<String>); 2]> {
    let example = tools.root.join("examples/server.mjs").display().to_string();
    let node = tools.node()?.display().to_string();
    let fixture = tools.fixture()?.display().to_string();
    let port = "PORT".to_owned();
    Ok([("the Node example", vec![node, example, port.clone()]), ("the fixture server", vec![fixture, "--port".into(), port])])
}

fn compare(language: &Language, scene: &Scene, whose: &str) -> Result<Row> {
    let samples = language.samples(scene, &["ensure", "scope"], WARM_TURNS, TURNS, CALLS)?;
    let [bare, scope] = ["ensure", "scope"].map(|thing| median(&samples.of(thing)) * 1000.0);
    Ok(Row::new(format!("scope in {}, {whose}", language.name), "µs", scope).against("bare ensure", bare).must(LIMIT))
}
