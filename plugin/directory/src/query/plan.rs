//! How a filter is answered: which index narrows it down most.

use crate::index::{Place, comparison_key};
use crate::keys::{Keys, Kind};
use scim::filter::Filter;
use scim::schema::Registry;

/// Where to look for what a filter may match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The resource with this id.
    Id(String),
    /// Those that an index leads to.
    Index(Place),
    /// Those that are in the group with this id, directly or not.
    InGroup(String),
    /// The groups that have the member with this id.
    WithMember(String),
    /// All of them.
    Scan,
}

impl Plan {
    /// The best plan. What it leads to still has to match the filter.
    pub(crate) fn of(registry: &Registry, keys: &Keys, kind: Kind<'_>, filter: &Filter) -> Self {
        let core = registry.core();
        let plans = filter.conjuncts_eq().into_iter().filter_map(|(id, text)| {
            let key = comparison_key(registry, id, text);
            if id == core.id {
                return Some(Self::Id(key.into_owned()));
            }
            if kind
                .groups(registry)
                .is_some_and(|groups| id == groups.value)
            {
                return Some(Self::InGroup(key.into_owned()));
            }
            if kind == Kind::Group && id == core.members_value {
                return Some(Self::WithMember(key.into_owned()));
            }
            Some(Self::Index(Place::of(registry, keys, kind, id, text)?))
        });
        plans.min_by_key(Self::rank).unwrap_or(Self::Scan)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::Index(Place::Key(_)) => 1,
            Self::Index(Place::Below(_)) | Self::InGroup(_) | Self::WithMember(_) => 2,
            Self::Index(Place::Configured(..)) => 3,
            Self::Scan => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::filter::Limits;

    fn plan(kind: Kind<'_>, filter: &str) -> Plan {
        let registry = Registry::standard().unwrap();
        let resource_type = match kind {
            Kind::User => registry.core().user,
            Kind::Group => registry.core().group,
            Kind::Device => registry.core().device,
            Kind::Other(id, _) => id,
        };
        let filter = Filter::parse(
            &registry,
            resource_type,
            filter,
            &Limits::default(),
            scim::Mode::Lenient,
        );
        Plan::of(&registry, &Keys::new("", "t"), kind, &filter.unwrap())
    }

    #[test]
    fn the_most_selective_equality_is_chosen() {
        let keys = Keys::new("", "t");
        for (filter, expected) in [
            (r#"id eq "A" and userName eq "b""#, Plan::Id("A".to_owned())),
            (
                r#"emails.value eq "M@x" and (active eq true and userName eq "BJ")"#,
                Plan::Index(Place::Key(keys.user_name("bj"))),
            ),
            (
                r#"emails[type eq "work"].value eq "M@x""#,
                Plan::Index(Place::Below(keys.user_email("m@x", ""))),
            ),
            (
                r#"emails eq "m@x""#,
                Plan::Index(Place::Below(keys.user_email("m@x", ""))),
            ),
            (
                r#"externalId eq "E/1""#,
                Plan::Index(Place::Below(keys.external(Kind::User, "E/1", ""))),
            ),
            (r#"groups eq "g""#, Plan::InGroup("g".to_owned())),
        ] {
            assert_eq!(plan(Kind::User, filter), expected, "{filter}");
        }
        let expected = Plan::WithMember("u".to_owned());
        assert_eq!(plan(Kind::Group, r#"members eq "u""#), expected);
        let expected = Plan::Index(Place::Key(keys.group_name("staff")));
        assert_eq!(plan(Kind::Group, r#"displayName eq "Staff""#), expected);
    }

    #[test]
    fn what_not_every_match_must_satisfy_is_scanned() {
        for filter in [
            r#"userName eq "a" or active eq true"#,
            r#"not (userName eq "a")"#,
            r#"userName sw "a""#,
            r#"displayName eq "a""#,
        ] {
            assert_eq!(plan(Kind::User, filter), Plan::Scan, "{filter}");
        }
    }
}
