//! Filters and PATCH, measured beside the fastest other implementations in one run: ours,
//! those on crates.io, those on npm. Run by `cargo edge bench`.

mod inputs;
mod node;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod table;
mod timing;

use inputs::Inputs;
use std::process::ExitCode;

/// Usage: `bench [NODE FOLDER]`: the Node.js program, and the folder below which the npm
/// packages are.
fn main() -> ExitCode {
    let inputs = Inputs::read();
    let mut figures = ours::measure(&inputs);
    #[cfg(feature = "peers")]
    figures.extend(peers::measure(&inputs));
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let [node, packages] = arguments.as_slice() {
        match node::measure(node, packages) {
            Ok(measured) => figures.extend(measured),
            Err(reason) => {
                eprintln!("error: {reason}");
                return ExitCode::FAILURE;
            }
        }
    }
    print!("{}", table::render(&figures));
    ExitCode::SUCCESS
}
