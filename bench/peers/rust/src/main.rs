//! The same work as the kernels of this repository, by public implementations in Rust, one thread. Prints a line of
//! JSON for each: units a second of processor time, median of several samples, and half the distance of the quartiles.

mod kernels;
mod measure;
mod pipelines;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("kernels") => kernels::run(),
        Some("pipelines") => pipelines::run(),
        _ => eprintln!("kernels or pipelines"),
    }
}
