//! What it costs to add one member to a group, by the size of the group: through Envoy and the
//! embedded store, over and over, the sizes in turn so that whatever else the machine does meets
//! all of them alike.

use super::service::{Service, make_users, median};
use crate::commands::up;
use crate::error::Error;
use crate::progress::Step;
use crate::server::Options;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// How many members the groups have, the one to compare with first.
const SIZES: [usize; 3] = [1, 1_000, 100_000];
/// How often a member is added to each.
const ROUNDS: usize = 500;
/// Members that a request adds while a group grows to its size.
const MEMBERS_AT_ONCE: usize = 2_000;

/// Starts an endpoint of its own, measures and gives the table.
pub(super) async fn measure() -> Result<String, Error> {
    let folder =
        tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))?;
    let running = up::start(Options::new(folder.path())).await?;
    let service = Arc::new(Service::of(
        &running.ready().base_url,
        &running.ready().token,
    )?);
    let measured = async {
        let users = SIZES.into_iter().max().unwrap_or_default();
        let users = make_users(&service, users + 1).await?;
        let Some((newcomer, members)) = users.split_first() else {
            return Ok(String::new());
        };
        let mut groups = Vec::new();
        for size in SIZES {
            groups.push(make_group(&service, size, members).await?);
        }
        let step = Step::begin("Adding one member, over and over");
        let mut times = vec![Vec::with_capacity(ROUNDS); groups.len()];
        let mut floor = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            floor.push(service.refusal().await?);
            for (group, times) in groups.iter().zip(&mut times) {
                times.push(service.patch(group, &add(&[newcomer])).await?);
                service.patch(group, &remove(newcomer)).await?;
            }
        }
        step.done("Added one member, over and over");
        Ok(render(
            median(floor),
            &times.into_iter().map(median).collect::<Vec<_>>(),
        ))
    };
    let table = measured.await;
    running.stop().await;
    table
}

/// Makes a group of the first of these members and gives its path.
async fn make_group(service: &Service, size: usize, members: &[String]) -> Result<String, Error> {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": format!("Group of {size}"),
    });
    let id = service.create("/Groups", &group).await?;
    let path = format!("/Groups/{id}");
    let members: Vec<&String> = members.iter().take(size).collect();
    for some in members.chunks(MEMBERS_AT_ONCE) {
        service.patch(&path, &add(some)).await?;
    }
    Ok(path)
}

fn add(members: &[&String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    operation(&json!({"op": "add", "path": "members", "value": members}))
}

fn remove(member: &str) -> Value {
    let path = format!("members[value eq \"{member}\"]");
    operation(&json!({"op": "remove", "path": path}))
}

fn operation(operation: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    })
}

/// The sizes, what an addition took, and how that compares with the first size: as it is, and
/// without what any request costs.
fn render(floor: Duration, times: &[Duration]) -> String {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let ratio = |time: Duration, less: Duration| {
        let first = times.first().copied().unwrap_or_default();
        micros(time.saturating_sub(less)) / micros(first.saturating_sub(less))
    };
    let mut table = format!(
        "One member added to a group by PATCH, through Envoy and the embedded store; median of {ROUNDS}\n\
         \x20 {:<36} {:>9.0} µs\n",
        "a request that is refused (401)",
        micros(floor)
    );
    for (size, time) in SIZES.iter().zip(times) {
        let _ = writeln!(
            table,
            "  {:<36} {:>9.0} µs {:>6.2} x, {:.2} x beyond a refusal",
            format!("a group of {size}"),
            micros(*time),
            ratio(*time, Duration::ZERO),
            ratio(*time, floor)
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_with_the_first_with_and_without_the_floor() {
        let times = [400, 800, 1_200].map(Duration::from_micros);
        let table = render(Duration::from_micros(200), &times);
        assert!(table.contains("a group of 1000"), "{table}");
        assert!(table.contains("2.00 x, 3.00 x"), "{table}");
        assert!(table.contains("3.00 x, 5.00 x"), "{table}");
    }
}
