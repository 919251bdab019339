//! Samples, taken in turns.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::trouble::Result;

/// One thing that is timed.
pub type Timed<'a> = &'a mut dyn FnMut() -> Result<()>;

/// Times several things in turns, and gives the milliseconds of each. The order rotates, so that none is always first;
/// the rounds of the warm-up do not count.
pub fn in_turns(warm_up: usize, rounds: usize, things: &mut [Timed<'_>]) -> Result<Vec<Vec<f64>>> {
    let mut samples = vec![Vec::with_capacity(rounds); things.len()];
    for round in 0..warm_up + rounds {
        for step in 0..things.len() {
            let which = (round + step) % things.len();
            let begin = Instant::now();
            things[which]()?;
            let took = begin.elapsed().as_secs_f64() * 1000.0;
            if round >= warm_up {
                samples[which].push(took);
            }
        }
    }
    Ok(samples)
}

/// The middle of some samples; not a number when there are none.
pub fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// The sample below which that share of them lies.
pub fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1)) as f64 * share;
    let (below, above) = (sorted.get(at.floor() as usize), sorted.get(at.ceil() as usize));
    below.zip(above).map_or(f64::NAN, |(below, above)| below + (above - below) * at.fract())
}

/// The wall clock in milliseconds: the one clock that processes in three languages share.
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}
