//! Network policies: what a group's members get, and what somebody gets who is in several groups.
//!
//! The rule, the same wherever a policy is shown: the policies of all groups that a user is in,
//! directly or through other groups, are put in order, the smallest `priority` first, then by
//! `name`, then by group. Each value comes from the first policy that has one.

use crate::token::Digest;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU16, NonZeroU32};

/// The largest VLAN id: 4,095 is reserved (IEEE 802.1Q §9.6).
const MAX_VLAN: u16 = 4_094;

/// How many hex digits name a decision.
const DECISION_DIGITS: usize = 16;

/// What a group's members get, as an administrator writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Policy {
    /// What people call it. It need not be the group's name.
    pub(crate) name: PolicyName,
    /// The smaller one comes first.
    #[serde(default = "usual_priority")]
    pub(crate) priority: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vlan: Option<Vlan>,
    /// From the client, in bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bandwidth_up: Option<NonZeroU32>,
    /// To the client, in bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bandwidth_down: Option<NonZeroU32>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_timeout: Option<NonZeroU32>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle_timeout: Option<NonZeroU32>,
}

/// The name of a policy: 1 to 128 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct PolicyName(String);

/// The id of a VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u16")]
pub(crate) struct Vlan(NonZeroU16);

/// What the network is told; of what is absent it is told nothing. Units as in [`Policy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vlan: Option<Vlan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bandwidth_up: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bandwidth_down: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_timeout: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle_timeout: Option<NonZeroU32>,
}

/// A policy with the group that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfGroup {
    /// The group's `displayName`.
    pub(crate) group: String,
    pub(crate) policy: Policy,
}

/// What somebody gets, and which policy says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Effective {
    /// The first policy's name.
    pub(crate) name: PolicyName,
    #[serde(flatten)]
    pub(crate) attributes: Attributes,
    /// Which policy gave each value.
    pub(crate) sources: Sources,
    /// All that have a say, the first one first.
    pub(crate) policies: Vec<Source>,
    /// Names what the network is told: another name whenever that is something else.
    #[serde(skip)]
    decision: String,
}

/// Which policy gave each value: its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sources {
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<PolicyName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth_up: Option<PolicyName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth_down: Option<PolicyName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_timeout: Option<PolicyName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_timeout: Option<PolicyName>,
}

/// A policy that has a say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    name: PolicyName,
    group: String,
    priority: u32,
}

impl Effective {
    /// What several policies come to; nothing where there is none.
    pub(crate) fn of(mut policies: Vec<OfGroup>) -> Option<Self> {
        policies.sort_by(|a, b| {
            let key = |one: &'_ OfGroup| (one.policy.priority, one.policy.name.clone());
            key(a).cmp(&key(b)).then_with(|| a.group.cmp(&b.group))
        });
        let name = policies.first()?.policy.name.clone();
        let (mut told, mut sources) = (Attributes::default(), Sources::default());
        for OfGroup { policy, .. } in &policies {
            let by = &policy.name;
            take(&mut told.vlan, policy.vlan, &mut sources.vlan, by);
            let (up, down) = (policy.bandwidth_up, policy.bandwidth_down);
            take(&mut told.bandwidth_up, up, &mut sources.bandwidth_up, by);
            take(
                &mut told.bandwidth_down,
                down,
                &mut sources.bandwidth_down,
                by,
            );
            let (session, idle) = (policy.session_timeout, policy.idle_timeout);
            take(
                &mut told.session_timeout,
                session,
                &mut sources.session_timeout,
                by,
            );
            take(&mut told.idle_timeout, idle, &mut sources.idle_timeout, by);
        }
        let policies = policies.into_iter().map(|one| Source {
            name: one.policy.name,
            group: one.group,
            priority: one.policy.priority,
        });
        Some(Self {
            decision: told.decision(),
            name,
            attributes: told,
            sources,
            policies: policies.collect(),
        })
    }

    /// Names what the network is told: another name whenever that is something else.
    pub(crate) fn decision(&self) -> String {
        self.decision.clone()
    }
}

impl Attributes {
    fn decision(&self) -> String {
        let number = |value: Option<NonZeroU32>| value.map_or(0, NonZeroU32::get);
        let told = format!(
            "{} {} {} {} {}",
            self.vlan.map_or(0, Vlan::get),
            number(self.bandwidth_up),
            number(self.bandwidth_down),
            number(self.session_timeout),
            number(self.idle_timeout)
        );
        let mut hex = Digest::of(&told).hex();
        hex.truncate(DECISION_DIGITS);
        hex
    }
}

/// Takes a value where there is none yet, and notes whose it is.
fn take<T: Copy>(
    value: &mut Option<T>,
    given: Option<T>,
    source: &mut Option<PolicyName>,
    name: &PolicyName,
) {
    if value.is_none() && given.is_some() {
        *value = given;
        *source = Some(name.clone());
    }
}

const fn usual_priority() -> u32 {
    100
}

impl Vlan {
    pub(crate) fn get(self) -> u16 {
        self.0.get()
    }
}

impl TryFrom<u16> for Vlan {
    type Error = &'static str;

    fn try_from(id: u16) -> Result<Self, Self::Error> {
        NonZeroU16::new(id)
            .filter(|id| id.get() <= MAX_VLAN)
            .map(Self)
            .ok_or("a VLAN id is a whole number from 1 to 4094")
    }
}

impl TryFrom<String> for PolicyName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if !(1..=128).contains(&text.len()) || text.chars().any(char::is_control) {
            return Err("a policy's name has 1 to 128 bytes and no control characters");
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(group: &str, policy: serde_json::Value) -> OfGroup {
        OfGroup {
            group: group.to_owned(),
            policy: serde_json::from_value(policy).unwrap(),
        }
    }

    fn effective(policies: Vec<OfGroup>) -> serde_json::Value {
        serde_json::to_value(Effective::of(policies)).unwrap()
    }

    #[test]
    fn each_value_comes_from_the_first_policy_that_has_one() {
        let found = effective(vec![
            of(
                "Staff",
                json!({"name": "corporate", "priority": 20, "vlan": 100, "bandwidthUp": 100_000_000, "sessionTimeout": 43_200}),
            ),
            of(
                "Guests",
                json!({"name": "guest", "priority": 10, "vlan": 200}),
            ),
            of(
                "Field",
                json!({"name": "slow", "priority": 30, "bandwidthUp": 1, "idleTimeout": 600}),
            ),
        ]);
        assert_eq!(
            found,
            json!({
                "name": "guest", "vlan": 200, "bandwidthUp": 100_000_000, "sessionTimeout": 43_200, "idleTimeout": 600,
                "sources": {"vlan": "guest", "bandwidthUp": "corporate", "sessionTimeout": "corporate", "idleTimeout": "slow"},
                "policies": [
                    {"name": "guest", "group": "Guests", "priority": 10},
                    {"name": "corporate", "group": "Staff", "priority": 20},
                    {"name": "slow", "group": "Field", "priority": 30},
                ],
            })
        );
    }

    #[test]
    fn a_tie_is_broken_by_name_then_by_group() {
        let policy = |name: &str, vlan: u16| json!({"name": name, "vlan": vlan});
        for (one, other, vlan) in [
            (of("A", policy("b", 1)), of("B", policy("a", 2)), 2),
            (of("B", policy("a", 1)), of("A", policy("a", 2)), 2),
        ] {
            let found = effective(vec![one.clone(), other.clone()]);
            assert_eq!(found["vlan"], json!(vlan));
            assert_eq!(effective(vec![other, one]), found);
        }
    }

    #[test]
    fn no_policy_is_nothing() {
        assert_eq!(Effective::of(Vec::new()), None);
    }

    #[test]
    fn a_decision_has_another_name_when_the_network_is_told_something_else() {
        let decision = |policy| Effective::of(vec![of("G", policy)]).unwrap().decision();
        let one = decision(json!({"name": "a", "vlan": 100}));
        assert_eq!(
            one,
            decision(json!({"name": "b", "vlan": 100, "priority": 1}))
        );
        for other in [
            json!({"name": "a"}),
            json!({"name": "a", "vlan": 101}),
            json!({"name": "a", "vlan": 100, "idleTimeout": 1}),
            json!({"name": "a", "bandwidthUp": 100}),
            json!({"name": "a", "bandwidthDown": 100}),
        ] {
            assert_ne!(one, decision(other.clone()), "{other}");
        }
    }

    #[test]
    fn what_no_network_understands_is_refused() {
        for policy in [
            json!({}),
            json!({"name": ""}),
            json!({"name": "a\u{0}"}),
            json!({"name": "x".repeat(129)}),
            json!({"name": "a", "vlan": 0}),
            json!({"name": "a", "vlan": 4_095}),
            json!({"name": "a", "vlan": "100"}),
            json!({"name": "a", "vlan": -1}),
            json!({"name": "a", "bandwidthUp": 0}),
            json!({"name": "a", "bandwidthUp": 4_294_967_296_u64}),
            json!({"name": "a", "sessionTimeout": 1.5}),
            json!({"name": "a", "priority": -1}),
            json!({"name": "a", "Vlan": 1}),
        ] {
            assert!(
                serde_json::from_value::<Policy>(policy.clone()).is_err(),
                "{policy}"
            );
        }
    }

    fn policies() -> impl Strategy<Value = Vec<OfGroup>> {
        let one = (
            "[a-c]",
            0_u32..3,
            proptest::option::of(1_u16..5),
            proptest::option::of(1_u32..5),
        );
        proptest::collection::vec(one, 0..6).prop_map(|all| {
            let all = all.into_iter().enumerate();
            all.map(|(n, (name, priority, vlan, idle))| {
                let mut policy = json!({"name": name, "priority": priority});
                if let Some(vlan) = vlan {
                    policy["vlan"] = json!(vlan);
                }
                if let Some(idle) = idle {
                    policy["idleTimeout"] = json!(idle);
                }
                of(&format!("g{n}"), policy)
            })
            .collect()
        })
    }

    proptest! {
        #[test]
        fn the_order_in_which_policies_are_found_does_not_matter(found in policies()) {
            let mut reversed = found.clone();
            reversed.reverse();
            prop_assert_eq!(Effective::of(found), Effective::of(reversed));
        }

        #[test]
        fn a_value_that_some_policy_has_is_there(found in policies()) {
            let some = |has: fn(&Policy) -> bool| found.iter().any(|one| has(&one.policy));
            let (vlan, idle) = (some(|a| a.vlan.is_some()), some(|a| a.idle_timeout.is_some()));
            let effective = Effective::of(found.clone());
            prop_assert_eq!(effective.is_none(), found.is_empty());
            let attributes = effective.map(|one| one.attributes).unwrap_or_default();
            prop_assert_eq!((attributes.vlan.is_some(), attributes.idle_timeout.is_some()), (vlan, idle));
        }
    }
}
