//! Resources to JSON, in the registry's order and without white space, so that
//! equal resources have equal bytes.

use super::{Complex, Resource, Value};
use crate::json::{write_number, write_string};
use crate::projection::Projection;
use crate::schema::{AttrId, Mutability, Registry};

/// Writes what is kept of a resource: all but what is computed when it is read
/// (`schemas`, and `meta` except `created` and `lastModified`) and what is never
/// kept in clear (`writeOnly`, such as `password`). Attributes stand under their
/// names, never under ids, which change with the configuration.
#[must_use]
pub fn to_store(registry: &Registry, resource: &Resource) -> Vec<u8> {
    let core = registry.core();
    let computed = [
        core.schemas,
        core.meta_resource_type,
        core.meta_location,
        core.meta_version,
    ];
    let keep = |id: AttrId| {
        !computed.contains(&id) && registry.attribute(id).mutability != Mutability::WriteOnly
    };
    let mut out = vec![b'{'];
    Writer {
        registry,
        keep: &keep,
    }
    .members(&mut out, &resource.attributes);
    out.push(b'}');
    out
}

/// Writes a resource for a client, with what the projection includes. `schemas`
/// comes first and names the core schema and each extension of which something
/// is written (RFC 7643 §3.3). A group without members gets an empty list where
/// members are asked for: authentik takes a missing one for "unknown".
#[must_use]
pub fn to_client(registry: &Registry, resource: &Resource, projection: &Projection) -> Vec<u8> {
    let definition = registry.resource_type(resource.resource_type);
    let core = registry.core();
    let keep = |id: AttrId| id != core.schemas && projection.includes(registry, id);
    let writer = Writer {
        registry,
        keep: &keep,
    };
    let mut out = br#"{"schemas":["#.to_vec();
    write_string(&mut out, &definition.schema);
    for (container, _) in &definition.extensions {
        if keep(*container) && resource.get(*container).is_some_and(|v| writer.is_kept(v)) {
            out.push(b',');
            write_string(&mut out, &registry.attribute(*container).name);
        }
    }
    out.push(b']');
    writer.members(&mut out, &resource.attributes);
    if definition.attributes.contains(&core.members)
        && resource.get(core.members).is_none()
        && keep(core.members)
    {
        out.extend(br#","members":[]"#);
    }
    out.push(b'}');
    out
}

struct Writer<'r, K> {
    registry: &'r Registry,
    keep: &'r K,
}

impl<K: Fn(AttrId) -> bool> Writer<'_, K> {
    /// Writes the members of an object that was opened.
    fn members(&self, out: &mut Vec<u8>, complex: &Complex) {
        for (id, value) in complex.iter() {
            if (self.keep)(id) && self.is_kept(value) {
                separate(out);
                write_string(out, &self.registry.attribute(id).name);
                out.push(b':');
                self.value(out, value);
            }
        }
    }

    /// Whether something of a value is written. An object or a list of which
    /// nothing is, is left out: empty is unassigned (RFC 7643 §2.5).
    fn is_kept(&self, value: &Value) -> bool {
        match value {
            Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) | Value::String(_) => true,
            Value::Complex(complex) => complex
                .iter()
                .any(|(id, value)| (self.keep)(id) && self.is_kept(value)),
            Value::List(elements) => elements.iter().any(|element| self.is_kept(element)),
        }
    }

    fn value(&self, out: &mut Vec<u8>, value: &Value) {
        match value {
            Value::Boolean(true) => out.extend(b"true"),
            Value::Boolean(false) => out.extend(b"false"),
            Value::Integer(number) => out.extend(number.to_string().bytes()),
            Value::Decimal(number) => write_number(out, *number),
            Value::String(text) => write_string(out, text),
            Value::Complex(complex) => {
                out.push(b'{');
                self.members(out, complex);
                out.push(b'}');
            }
            Value::List(elements) => {
                out.push(b'[');
                for element in elements.iter().filter(|element| self.is_kept(element)) {
                    separate(out);
                    self.value(out, element);
                }
                out.push(b']');
            }
        }
    }
}

/// Puts the comma before all but the first of what an object or array holds.
fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        out.push(b',');
    }
}
