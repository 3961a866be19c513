//! Plays `tests/examples/*.json`: the RFCs' examples that need no service, in our own words and
//! data, one file for each, named by section. A file has one kind of case, and each of its cases
//! starts anew from what the file gives:
//!
//! | kind | the file gives | a case gives | `expect` |
//! |---|---|---|---|
//! | `resource` | | `resource`, as a client sends it | `resource` |
//! | `filter` | `resources`, as stored | `filter` | `matches`, by index |
//! | `patch` | `resource`, as stored | `request` | `resource`, `changed` |
//! | `projection` | `resource`, as stored | `attributes`, `excludedAttributes` | `resource` |
//!
//! An expected resource is the whole of what a client would get; a refusal is
//! `{"error": {"status", "scimType"}}`. The same files run under Node through `scim-web`.

#[cfg(test)]
mod examples {
    use scim::filter::{Filter, Limits};
    use scim::json::{self, Json};
    use scim::patch::Patch;
    use scim::projection::Projection;
    use scim::resource::{Resource, complete, from_client, from_store, to_client};
    use scim::schema::{Registry, ResourceTypeId};
    use scim::{Error, Mode};
    use serde::Deserialize;
    use serde_json::Value;
    use std::path::{Path, PathBuf};

    /// More than any example has.
    const MAX_OPERATIONS: usize = 1_000;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Example {
        /// Such as `RFC 7644 3.5.2.1`.
        section: String,
        title: String,
        resource_type: String,
        #[serde(flatten)]
        cases: Cases,
    }

    #[derive(Deserialize)]
    #[serde(tag = "kind", rename_all = "camelCase")]
    enum Cases {
        Resource {
            cases: Vec<OfResource>,
        },
        Filter {
            resources: Vec<Value>,
            cases: Vec<OfFilter>,
        },
        Patch {
            resource: Value,
            cases: Vec<OfPatch>,
        },
        Projection {
            resource: Value,
            cases: Vec<OfProjection>,
        },
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OfResource {
        resource: Value,
        expect: Expect<ResourceOnly>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OfFilter {
        filter: String,
        expect: Expect<Matches>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OfPatch {
        request: Value,
        expect: Expect<Patched>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct OfProjection {
        attributes: Option<String>,
        excluded_attributes: Option<String>,
        expect: Expect<ResourceOnly>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ResourceOnly {
        resource: Value,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Matches {
        matches: Vec<usize>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Patched {
        resource: Value,
        changed: bool,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Expect<T> {
        Refused { error: Refusal },
        Done(T),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Refusal {
        status: u16,
        scim_type: Option<String>,
    }

    impl<T> From<Result<T, Error>> for Expect<T> {
        fn from(outcome: Result<T, Error>) -> Self {
            match outcome {
                Ok(done) => Self::Done(done),
                Err(error) => Self::Refused {
                    error: Refusal {
                        status: error.status(),
                        scim_type: error.scim_type().map(|s| s.as_str().to_owned()),
                    },
                },
            }
        }
    }

    /// Reads a value of the file as the service reads a body.
    fn with_json<T>(value: &Value, read: impl FnOnce(&Json<'_>) -> T) -> T {
        let text = value.to_string();
        read(&json::parse(text.as_bytes(), json::MAX_DEPTH).unwrap())
    }

    fn shown(registry: &Registry, resource: &Resource, projection: &Projection) -> Value {
        serde_json::from_slice(&to_client(registry, resource, projection)).unwrap()
    }

    /// Plays the cases of one file.
    struct Player<'r> {
        registry: &'r Registry,
        resource_type: ResourceTypeId,
    }

    impl Player<'_> {
        fn stored(&self, value: &Value) -> Resource {
            let text = value.to_string();
            from_store(self.registry, self.resource_type, text.as_bytes()).unwrap()
        }

        fn resource(&self, case: &OfResource) -> Result<ResourceOnly, Error> {
            let resource = with_json(&case.resource, |body| {
                from_client(self.registry, self.resource_type, body, Mode::Lenient)
            })?;
            complete(self.registry, &resource)?;
            Ok(ResourceOnly {
                resource: shown(self.registry, &resource, &Projection::all()),
            })
        }

        fn filter(&self, resources: &[Value], case: &OfFilter) -> Result<Matches, Error> {
            let filter = Filter::parse(
                self.registry,
                self.resource_type,
                &case.filter,
                &Limits::default(),
                Mode::Lenient,
            )?;
            let matches =
                (0..resources.len()).filter(|i| filter.matches(&self.stored(&resources[*i])));
            Ok(Matches {
                matches: matches.collect(),
            })
        }

        fn patch(&self, before: &Value, case: &OfPatch) -> Result<Patched, Error> {
            let id = before["id"].as_str().unwrap();
            let patch = with_json(&case.request, |body| {
                Patch::parse(
                    self.registry,
                    self.resource_type,
                    body,
                    MAX_OPERATIONS,
                    id,
                    Mode::Lenient,
                )
            })?;
            let mut resource = self.stored(before);
            let changed = patch.apply(self.registry, &mut resource)?;
            Ok(Patched {
                resource: shown(self.registry, &resource, &Projection::all()),
                changed,
            })
        }

        fn projection(&self, resource: &Value, case: &OfProjection) -> Result<ResourceOnly, Error> {
            let projection = Projection::parse(
                self.registry,
                self.resource_type,
                case.attributes.as_deref(),
                case.excluded_attributes.as_deref(),
            );
            Ok(ResourceOnly {
                resource: shown(self.registry, &self.stored(resource), &projection),
            })
        }
    }

    /// Says of each case whether it came out as expected.
    fn judge<C, T: PartialEq + std::fmt::Debug>(
        cases: &[C],
        expect: impl Fn(&C) -> &Expect<T>,
        play: impl Fn(&C) -> Result<T, Error>,
    ) -> Vec<String> {
        assert!(!cases.is_empty(), "no cases");
        let mut faults = Vec::new();
        for (number, case) in (1..).zip(cases) {
            let outcome = play(case);
            let said = outcome.as_ref().err().map(ToString::to_string);
            let got = Expect::from(outcome);
            let wanted = expect(case);
            if got != *wanted {
                let said = said.unwrap_or_default();
                faults.push(format!(
                    "case {number}: wanted {wanted:#?}, got {got:#?} {said}"
                ));
            }
        }
        faults
    }

    fn faults(registry: &Registry, path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        let example: Example =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_stem().unwrap().to_str().unwrap();
        let section = example.section.to_lowercase().replacen("rfc ", "rfc", 1);
        let section = section.replacen(' ', "-", 1);
        assert!(
            name.starts_with(&format!("{section}-")),
            "{name}: {section}"
        );
        assert!(!example.title.is_empty(), "{name}");
        let resource_type = registry.resource_type_named(&example.resource_type);
        let player = Player {
            registry,
            resource_type: resource_type.unwrap().id,
        };
        match &example.cases {
            Cases::Resource { cases } => judge(cases, |c| &c.expect, |c| player.resource(c)),
            Cases::Filter { resources, cases } => {
                judge(cases, |c| &c.expect, |c| player.filter(resources, c))
            }
            Cases::Patch { resource, cases } => {
                judge(cases, |c| &c.expect, |c| player.patch(resource, c))
            }
            Cases::Projection { resource, cases } => {
                judge(cases, |c| &c.expect, |c| player.projection(resource, c))
            }
        }
    }

    fn files() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples");
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn every_example_comes_out_as_its_section_says() {
        let registry = Registry::standard().unwrap();
        let mut all = Vec::new();
        let files = files();
        for path in &files {
            for fault in faults(&registry, path) {
                all.push(format!("{}: {fault}", path.display()));
            }
        }
        assert!(files.len() > 2, "{files:?}");
        assert!(all.is_empty(), "{}", all.join("\n"));
    }
}
