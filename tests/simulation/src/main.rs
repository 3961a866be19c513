//! Runs simulated histories on all processors, or shows one.

use clap::Parser;
use simulation::{Mutation, Plan};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// How many histories lie between two lines of progress.
const STRIDE: u64 = 500;

/// Simulates the service under faults and checks what happens.
#[derive(Debug, Parser)]
struct Args {
    /// Run so many histories
    #[arg(long, value_name = "N", default_value = "10000")]
    histories: u64,
    /// Begin with this seed
    #[arg(long, value_name = "N", default_value = "1")]
    first: u64,
    /// Run the history of this seed alone, and print it
    #[arg(long, value_name = "N", conflicts_with_all = ["histories", "first"])]
    seed: Option<u64>,
    /// With a service that is wrong in this way, by its place in `Mutation::ALL`
    #[arg(long, value_name = "PLACE")]
    mutation: Option<usize>,
}

/// What was run so far.
#[derive(Default)]
struct Tally {
    histories: AtomicU64,
    requests: AtomicU64,
    commits: AtomicU64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mutation = args.mutation.and_then(|at| Mutation::ALL.get(at)).copied();
    if let Some(seed) = args.seed {
        let run = Plan::new(mutation).run(seed);
        print!("{}", run.history);
        return verdict(run.violation.map(|wrong| (seed, wrong)));
    }
    let started = Instant::now();
    let tally = Tally::default();
    let found = run(&args, mutation, &tally);
    let seconds = started.elapsed().as_secs_f64();
    let histories = tally.histories.into_inner();
    println!(
        "{histories} histories, {} requests, {} writes of the store in {seconds:.0} seconds: {:.0} histories a second",
        tally.requests.into_inner(),
        tally.commits.into_inner(),
        histories as f64 / seconds,
    );
    verdict(found)
}

/// Runs histories until all are run, or one shows something wrong.
fn run(args: &Args, mutation: Option<Mutation>, tally: &Tally) -> Option<(u64, String)> {
    let next = AtomicU64::new(args.first);
    let end = args.first.saturating_add(args.histories);
    let watched = std::io::stderr().is_terminal();
    let work = || {
        let plan = Plan::new(mutation);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return None;
            }
            let run = plan.run(seed);
            let (requests, commits) = (run.history.requests(), run.history.commits());
            tally.requests.fetch_add(requests as u64, Ordering::Relaxed);
            tally.commits.fetch_add(commits as u64, Ordering::Relaxed);
            let done = 1 + tally.histories.fetch_add(1, Ordering::Relaxed);
            if watched && (done.is_multiple_of(STRIDE) || done == args.histories) {
                eprint!("\r{done} of {} histories", args.histories);
                let _ = std::io::stderr().flush();
            }
            if let Some(wrong) = run.violation {
                next.store(end, Ordering::Relaxed);
                return Some((seed, wrong));
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let found = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = running
            .into_iter()
            .filter_map(|worker| match worker.join() {
                Ok(found) => found,
                Err(panic) => std::panic::resume_unwind(panic),
            });
        ended.min()
    });
    if watched {
        eprintln!();
    }
    found
}

fn verdict(found: Option<(u64, String)>) -> ExitCode {
    match found {
        None => ExitCode::SUCCESS,
        Some((seed, wrong)) => {
            eprintln!("seed {seed}: {wrong}");
            eprintln!("{}", simulation::replay(seed));
            ExitCode::FAILURE
        }
    }
}
