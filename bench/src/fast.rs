//! `ensure` on a running server, in Rust, beside a bare blocking request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use spawnlock::ServerSpec;

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::{in_turns, median};
use crate::tools::Tools;
use crate::trouble::Result;

const WARM_UP: usize = 200;
const ROUNDS: usize = 2000;

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    compare(report, "the Node example", &Scene::node_example(tools)?)?;
    compare(report, "the fixture server", &Scene::fixture(tools)?)
}

fn compare(report: &mut Report, whose: &str, scene: &Scene) -> Result<()> {
    let mut bare = Bare::new(&scene.url())?;
    let localhost = scene.url().replace("127.0.0.1", "localhost");
    let ensure = |spec: ServerSpec| {
        spec.ensure()?;
        Ok(())
    };
    let samples = in_turns(
        WARM_UP,
        ROUNDS,
        &mut [&mut || ensure(scene.spec()), &mut || bare.get(), &mut || ensure(scene.spec_at(localhost.clone()))],
    )?;
    let [ours, get, by_name] = [0, 1, 2].map(|which| median(&samples[which]) * 1000.0);
    report.add(Row::new(format!("ensure in Rust, {whose}"), "µs", ours).against("bare GET", get).must(Target::Ratio(1.3)));
    report.add(Row::new(format!("… asked for as localhost, {whose}"), "µs", by_name).against("bare GET", get));
    Ok(())
}

/// The least that fetches a page: connect, one write, reads until the answer is whole.
pub struct Bare {
    address: SocketAddr,
    request: String,
    answer: Vec<u8>,
}

impl Bare {
    /// For a page at `http://address:port/path`.
    pub fn new(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").ok_or("no http address")?;
        let (authority, path) = rest.split_once('/').ok_or("no path")?;
        let request = format!("GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
        Ok(Bare { address: authority.parse()?, request, answer: vec![0; 16 * 1024] })
    }

    pub fn get(&mut self) -> Result<()> {
        self.fetch().map(drop)
    }

    fn fetch(&mut self) -> Result<&[u8]> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(self.request.as_bytes())?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut self.answer[filled..])?;
            filled += read;
            if read == 0 || is_whole(&self.answer[..filled]) {
                return Ok(&self.answer[..filled]);
            }
        }
    }
}

/// One page as text, head and all.
pub fn get(port: u16, path: &str) -> Result<String> {
    let mut bare = Bare::new(&format!("http://127.0.0.1:{port}{path}"))?;
    Ok(String::from_utf8_lossy(bare.fetch()?).into_owned())
}

/// Whether the body is there, by its length or by its last chunk: nobody should have to wait for the connection's end.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    length.map_or_else(|| body.ends_with("0\r\n\r\n"), |length| body.len() >= length)
}
