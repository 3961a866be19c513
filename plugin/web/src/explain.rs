//! A filter's condition for people: as a sentence, and as a tree with its attributes'
//! full names.

use scim::filter::Condition;
use scim::resource::Value;
use scim::schema::{AttrId, Attribute, Registry, Type};
use serde::Serialize;
use std::fmt;

/// A part of the tree.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Node {
    /// All terms hold.
    And {
        /// The terms.
        terms: Vec<Self>,
    },
    /// At least one term holds.
    Or {
        /// The terms.
        terms: Vec<Self>,
    },
    /// The term does not hold.
    Not {
        /// The term.
        term: Box<Self>,
    },
    /// A value path: one element meets a condition of its own.
    Has {
        /// The multi-valued attribute.
        attribute: String,
        /// The condition.
        condition: Box<Self>,
    },
    /// A comparison, whose operator takes the place of `op`.
    #[serde(untagged)]
    Comparison(Comparison),
}

/// A comparison of one attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    op: &'static str,
    /// As RFC 7644 §3.10 writes it.
    attribute: String,
    r#type: &'static str,
    multi_valued: bool,
    /// Whether upper and lower case differ.
    case_exact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Operand>,
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Operand {
    Boolean(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
}

impl Operand {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(flag) => Some(Self::Boolean(*flag)),
            Value::Integer(number) => Some(Self::Integer(*number)),
            Value::Decimal(number) => Some(Self::Decimal(*number)),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Complex(_) | Value::List(_) => None,
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(flag) => flag.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        }
    }
}

impl Node {
    /// The tree of a condition. As deep as the filter, whose depth is limited.
    pub(crate) fn new(registry: &Registry, condition: &Condition) -> Self {
        let node = |condition: &Condition| Self::new(registry, condition);
        match condition {
            Condition::All(terms) => Self::And {
                terms: terms.iter().map(node).collect(),
            },
            Condition::Any(terms) => Self::Or {
                terms: terms.iter().map(node).collect(),
            },
            Condition::Not(inner) => Self::Not {
                term: Box::new(node(inner)),
            },
            Condition::Element {
                attribute,
                condition,
            } => Self::Has {
                attribute: registry.path(*attribute),
                condition: Box::new(node(condition)),
            },
            Condition::Comparison {
                attribute,
                operator,
                operand,
            } => {
                let definition = registry.attribute(*attribute);
                Self::Comparison(Comparison {
                    op: operator,
                    attribute: registry.path(*attribute),
                    r#type: definition.kind.word(),
                    multi_valued: definition.multi_valued,
                    case_exact: definition.case_exact,
                    value: operand.as_ref().and_then(Operand::of),
                })
            }
        }
    }
}

/// The sentence of a condition, without its beginning and its full stop.
pub(crate) struct Sentence<'c> {
    pub(crate) registry: &'c Registry,
    pub(crate) condition: &'c Condition,
    /// The attribute whose element the condition is about; nothing for the resource.
    pub(crate) element: Option<AttrId>,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.condition {
            Condition::All(terms) => self.joined(f, terms, " and "),
            Condition::Any(terms) => self.joined(f, terms, " or "),
            Condition::Not(inner) => write!(f, "not ({})", self.of(inner)),
            Condition::Element {
                attribute,
                condition,
            } => {
                let inner = Sentence {
                    element: Some(*attribute),
                    ..self.of(condition)
                };
                let path = self.registry.path(*attribute);
                write!(f, "{path} has a value for which ({inner})")
            }
            Condition::Comparison {
                attribute,
                operator,
                operand,
            } => self.comparison(f, *attribute, operator, operand.as_ref()),
        }
    }
}

impl<'c> Sentence<'c> {
    fn of(&self, condition: &'c Condition) -> Self {
        Self { condition, ..*self }
    }

    /// From an attribute up to the resource, or to the element.
    fn steps(&self, id: AttrId) -> impl Iterator<Item = AttrId> {
        let lineage = self.registry.lineage(id);
        lineage.take_while(|step| Some(*step) != self.element)
    }

    /// The attribute's path from the resource, or from the element. An element without
    /// sub-attributes is its own `value` (RFC 7643 §2.4).
    fn name(&self, id: AttrId) -> String {
        if self.element.is_none() {
            return self.registry.path(id);
        }
        let mut names: Vec<&str> = self
            .steps(id)
            .map(|step| self.registry.attribute(step).name.as_str())
            .collect();
        names.reverse();
        if names.is_empty() {
            return "value".to_owned();
        }
        names.join(".")
    }

    fn joined(
        &self,
        f: &mut fmt::Formatter<'_>,
        terms: &'c [Condition],
        joiner: &str,
    ) -> fmt::Result {
        for (at, term) in terms.iter().enumerate() {
            if at > 0 {
                f.write_str(joiner)?;
            }
            if matches!(term, Condition::All(_) | Condition::Any(_)) {
                write!(f, "({})", self.of(term))?;
            } else {
                write!(f, "{}", self.of(term))?;
            }
        }
        Ok(())
    }

    fn comparison(
        &self,
        f: &mut fmt::Formatter<'_>,
        id: AttrId,
        operator: &str,
        operand: Option<&Value>,
    ) -> fmt::Result {
        let attribute = self.registry.attribute(id);
        let path = self.name(id);
        let Some(operand) = operand.and_then(Operand::of) else {
            return write!(f, "{path} has a value");
        };
        if self
            .steps(id)
            .any(|id| self.registry.attribute(id).multi_valued)
        {
            f.write_str("one of ")?;
        }
        write!(f, "{path} {} {operand}", verb(attribute, operator))?;
        if matches!(operand, Operand::Text(_)) && attribute.kind == Type::String {
            f.write_str(if attribute.case_exact {
                " (case counts)"
            } else {
                " (ignoring case)"
            })?;
        }
        if operator == "ne" {
            f.write_str(" or has no value")?;
        }
        Ok(())
    }
}

fn verb(attribute: &Attribute, operator: &str) -> &'static str {
    let is_date = attribute.kind == Type::DateTime;
    match operator {
        "eq" => "is",
        "ne" => "is other than",
        "co" => "contains",
        "sw" => "starts with",
        "ew" => "ends with",
        "gt" if is_date => "is later than",
        "ge" if is_date => "is not earlier than",
        "lt" if is_date => "is earlier than",
        "le" if is_date => "is not later than",
        "gt" => "is greater than",
        "ge" => "is at least",
        "lt" => "is less than",
        _ => "is at most",
    }
}
