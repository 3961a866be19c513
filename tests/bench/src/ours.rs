//! The crate `scim`. A filter is parsed and bound to the schema; a PATCH request, parsed
//! JSON for everybody, is read, typed and applied, all of it or nothing.

use crate::inputs::Inputs;
use crate::table::{Figure, OURS};
use crate::timing::micros;
use scim::Mode;
use scim::filter::{Filter, Limits};
use scim::json::{self, Json, MAX_DEPTH};
use scim::patch::Patch;
use scim::resource::{Resource, from_client};
use scim::schema::{Registry, ResourceTypeId};
use std::hint::black_box;

pub(crate) const PARSE: &str = "Filters: parse, mean of those taken of 20";
pub(crate) const EVALUATE: &str = "Filters: evaluate, one user";

/// More than any request here has.
const MAX_OPERATIONS: usize = 100;

pub(crate) fn measure(inputs: &Inputs) -> Vec<Figure> {
    let registry = Registry::standard().expect("the standard schemas compile");
    let mut figures = vec![parse(&registry, inputs), evaluate(&registry, inputs)];
    for (task, requests) in &inputs.patches {
        figures.push(patch(&registry, inputs, task, requests));
    }
    figures
}

fn figure(task: &str, micros: f64) -> Figure {
    Figure {
        task: task.to_owned(),
        implementation: OURS.to_owned(),
        micros,
        taken: None,
    }
}

fn parse(registry: &Registry, inputs: &Inputs) -> Figure {
    let user = registry.core().user;
    let limits = Limits::default();
    let read = |text: &str| Filter::parse(registry, user, text, &limits, Mode::Lenient).is_ok();
    let taken = inputs.filters.iter().filter(|text| read(text)).count();
    let all = micros(|| {
        for text in &inputs.filters {
            black_box(read(black_box(text)));
        }
    });
    Figure {
        taken: Some(taken),
        ..figure(PARSE, all / inputs.filters.len() as f64)
    }
}

fn evaluate(registry: &Registry, inputs: &Inputs) -> Figure {
    let user = registry.core().user;
    let filter = Filter::parse(
        registry,
        user,
        &inputs.evaluated,
        &Limits::default(),
        Mode::Lenient,
    );
    let filter = filter.expect("the filter is one");
    let resource = resource(registry, user, &inputs.user);
    assert!(filter.matches(&resource));
    figure(
        EVALUATE,
        micros(|| {
            black_box(filter.matches(black_box(&resource)));
        }),
    )
}

fn patch(
    registry: &Registry,
    inputs: &Inputs,
    task: &str,
    requests: &[serde_json::Value],
) -> Figure {
    let core = registry.core();
    let (resource_type, body) = if task.starts_with("group") {
        (core.group, inputs.group())
    } else {
        (core.user, inputs.user.clone())
    };
    let mut resource = resource(registry, resource_type, &body);
    let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
    let requests: Vec<Json<'_>> = texts.iter().map(|text| parsed(text)).collect();
    let all = micros(|| {
        for request in &requests {
            let patch = Patch::parse(
                registry,
                resource_type,
                request,
                MAX_OPERATIONS,
                "",
                Mode::Lenient,
            );
            let changed = patch.and_then(|patch| patch.apply(registry, &mut resource));
            assert_eq!(changed, Ok(true));
        }
    });
    figure(&format!("PATCH: {task}"), all / requests.len() as f64)
}

fn parsed(text: &str) -> Json<'_> {
    json::parse(text.as_bytes(), MAX_DEPTH).expect("JSON")
}

fn resource(
    registry: &Registry,
    resource_type: ResourceTypeId,
    body: &serde_json::Value,
) -> Resource {
    let text = body.to_string();
    from_client(registry, resource_type, &parsed(&text), Mode::Lenient).expect("a resource")
}
