//! Sampling in processor time of the calling thread.

const SAMPLES: usize = 7;
const SAMPLE_SECONDS: f64 = 0.05;

fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn seconds_of(calls: usize, work: &mut impl FnMut()) -> f64 {
    let started = thread_seconds();
    for _ in 0..calls {
        work();
    }
    thread_seconds() - started
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * (at - at.floor())
}

fn print(work: &str, name: &str, mut values: Vec<f64>) {
    values.sort_by(|a, b| a.total_cmp(b));
    let median = quantile(&values, 0.5);
    let spread = (quantile(&values, 0.75) - quantile(&values, 0.25)) / 2.0 / median;
    println!("{{\"work\":\"{work}\",\"name\":\"{name}\",\"value\":{median},\"spread\":{spread}}}");
}

/// Units a second, of work that does `count` of them in a call.
pub fn rate(work: &str, name: &str, count: usize, mut call: impl FnMut()) {
    let mut calls = 1;
    while seconds_of(calls, &mut call) < SAMPLE_SECONDS {
        calls *= 2;
    }
    let values = (0..SAMPLES).map(|_| (calls * count) as f64 / seconds_of(calls, &mut call)).collect();
    print(work, name, values);
}

/// Seconds of one call.
pub fn seconds(work: &str, name: &str, runs: usize, mut call: impl FnMut()) {
    let values = (0..runs).map(|_| seconds_of(1, &mut call)).collect();
    print(work, name, values);
}
