//! Bound filters and what they say of a resource.
//!
//! Two points that RFC 7644 leaves open are decided so: a comparison with a
//! multi-valued attribute holds when it holds for at least one value, `ne` too,
//! so `emails.type ne "work"` finds a user who also has another address; and an
//! attribute without a value differs from every value, so `title ne "x"` finds
//! users without title. `eq null` is the opposite of `pr`, `ne null` is `pr`.

use super::ast::Operator;
use super::predicate::{Number, Predicate};
use crate::resource::{Resource, Value};
use crate::schema::{AttrId, Steps};

/// A filter for resources of one type. Evaluation looks nothing up by name and
/// recurses no deeper than [`Limits`](super::Limits) allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub(super) root: Node,
}

/// A filter for the elements of one multi-valued attribute: what stands between
/// the brackets of a value path.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementFilter {
    pub(super) root: Node,
}

/// A part of a bound filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// Known when the filter was bound.
    Known(bool),
    Test(Test),
    /// An element of the attribute at the end of the steps meets the filter.
    Element {
        steps: Steps,
        filter: Box<Self>,
    },
}

/// A condition on the values at the end of the steps, which begin at the
/// resource, or at the element inside a value path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) steps: Steps,
    pub(super) predicate: Predicate,
}

impl Filter {
    /// Whether the resource meets the filter.
    #[must_use]
    pub fn matches(&self, resource: &Resource) -> bool {
        self.root.holds(&|steps, visit| match steps.split_first() {
            Some((first, rest)) => visit_values(resource.get(*first), rest, visit),
            None => false,
        })
    }

    /// Comparisons by `eq` with text that every match must satisfy, for an index
    /// to answer: the attribute, the sub-attribute where there is one, and the
    /// literal as it was written. They are necessary, not sufficient: what an
    /// index finds still has to match.
    #[must_use]
    pub fn conjuncts_eq(&self) -> Vec<(AttrId, &str)> {
        let mut found = Vec::new();
        self.root.collect_equalities(&mut found);
        found
    }

    /// Whether it is known without any resource that the filter matches none, as
    /// `meta.resourceType eq "Group"` is of users.
    #[must_use]
    pub fn matches_nothing(&self) -> bool {
        self.root.known() == Some(false)
    }

    /// Whether the filter reads this attribute or a sub-attribute of it.
    #[must_use]
    pub fn mentions(&self, attribute: AttrId) -> bool {
        self.root.mentions(attribute)
    }
}

impl ElementFilter {
    /// Whether an element meets the filter.
    #[must_use]
    pub fn matches(&self, element: &Value) -> bool {
        self.root
            .holds(&|steps, visit| visit_values(Some(element), steps, visit))
    }

    /// When the filter is nothing but `eq` joined by `and`: the values that an
    /// element has to have, by sub-attribute.
    #[must_use]
    pub fn equalities(&self) -> Option<Vec<(AttrId, Value)>> {
        let terms = match &self.root {
            Node::All(terms) => terms.as_slice(),
            other => std::slice::from_ref(other),
        };
        terms.iter().map(Node::as_equality).collect()
    }

    /// When the filter is nothing but comparisons of `attribute` by `eq` joined
    /// by `or`: the texts, as they were written.
    #[must_use]
    pub fn alternatives(&self, attribute: AttrId) -> Option<Vec<&str>> {
        if let Node::Test(test) = &self.root
            && let Predicate::OneOf(choice) = &test.predicate
        {
            return (test.steps.as_slice() == [attribute])
                .then(|| choice.literals.iter().map(String::as_str).collect());
        }
        let terms = match &self.root {
            Node::Any(terms) => terms.as_slice(),
            other => std::slice::from_ref(other),
        };
        terms
            .iter()
            .map(|term| match term.as_text_equality() {
                Some((id, literal)) if id == attribute => Some(literal),
                _ => None,
            })
            .collect()
    }
}

/// Calls back with each value at the end of some steps, or once with nothing,
/// until the answer is yes.
type Visit<'v> = &'v dyn Fn(Option<&Value>) -> bool;

impl Node {
    /// Whether it holds where `values` leads from steps to values.
    fn holds(&self, values: &dyn Fn(&[AttrId], Visit<'_>) -> bool) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.holds(values)),
            Self::Any(terms) => terms.iter().any(|term| term.holds(values)),
            Self::Not(inner) => !inner.holds(values),
            Self::Known(answer) => *answer,
            Self::Test(test) => values(&test.steps, &|value| test.predicate.holds(value)),
            Self::Element { steps, filter } => values(steps, &|element| {
                element.is_some_and(|element| filter.holds_for(element))
            }),
        }
    }

    /// Whether it holds for an element.
    pub(super) fn holds_for(&self, element: &Value) -> bool {
        self.holds(&|steps, visit| visit_values(Some(element), steps, visit))
    }

    /// What it says of every value, where that is known.
    fn known(&self) -> Option<bool> {
        // One term decides, or all the others together.
        let joined = |terms: &[Self], decisive: bool| {
            if terms.iter().any(|term| term.known() == Some(decisive)) {
                return Some(decisive);
            }
            let all = terms.iter().all(|term| term.known().is_some());
            all.then_some(!decisive)
        };
        match self {
            Self::All(terms) => joined(terms, false),
            Self::Any(terms) => joined(terms, true),
            Self::Not(inner) => inner.known().map(|holds| !holds),
            Self::Known(holds) => Some(*holds),
            Self::Test(_) | Self::Element { .. } => None,
        }
    }

    fn collect_equalities<'f>(&'f self, found: &mut Vec<(AttrId, &'f str)>) {
        match self {
            Self::All(terms) => terms.iter().for_each(|t| t.collect_equalities(found)),
            Self::Any(terms) => {
                if let [only] = terms.as_slice() {
                    only.collect_equalities(found);
                }
            }
            Self::Element { filter, .. } => filter.collect_equalities(found),
            Self::Test(_) => found.extend(self.as_text_equality()),
            Self::Not(_) | Self::Known(_) => {}
        }
    }

    fn as_text_equality(&self) -> Option<(AttrId, &str)> {
        match self {
            Self::Test(Test {
                steps,
                predicate: Predicate::Text(text),
            }) if text.operator == Operator::Equal => Some((*steps.last()?, &text.literal)),
            _ => None,
        }
    }

    /// The attribute and the value it must have, for a comparison by `eq`.
    fn as_equality(&self) -> Option<(AttrId, Value)> {
        let Self::Test(Test { steps, predicate }) = self else {
            return None;
        };
        let (operator, value) = match predicate {
            Predicate::Present | Predicate::OneOf(_) => return None,
            Predicate::Text(text) => (text.operator, Value::String(text.literal.to_string())),
            Predicate::Boolean { operator, operand } => (*operator, Value::Boolean(*operand)),
            Predicate::Number { operator, operand } => match operand {
                Number::Integer(number) => (*operator, Value::Integer(*number)),
                Number::Decimal(number) => (*operator, Value::Decimal(*number)),
            },
            Predicate::Instant {
                operator, literal, ..
            } => (*operator, Value::String(literal.to_string())),
        };
        (operator == Operator::Equal).then_some((*steps.last()?, value))
    }

    fn mentions(&self, attribute: AttrId) -> bool {
        match self {
            Self::All(terms) | Self::Any(terms) => terms.iter().any(|t| t.mentions(attribute)),
            Self::Not(inner) => inner.mentions(attribute),
            Self::Known(_) => false,
            Self::Test(test) => test.steps.contains(&attribute),
            Self::Element { steps, filter } => {
                steps.contains(&attribute) || filter.mentions(attribute)
            }
        }
    }
}

/// Follows steps, through every element where there are several. As deep as the
/// schema is, which is three.
fn visit_values(value: Option<&Value>, steps: &[AttrId], visit: Visit<'_>) -> bool {
    match (value, steps.split_first()) {
        (Some(Value::List(elements)), _) => elements
            .iter()
            .any(|element| visit_values(Some(element), steps, visit)),
        (Some(Value::Complex(complex)), Some((first, rest))) => {
            visit_values(complex.get(*first), rest, visit)
        }
        (_, Some(_)) => visit(None),
        (value, None) => visit(value),
    }
}
