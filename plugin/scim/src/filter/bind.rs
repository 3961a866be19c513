//! From names to attributes: which attribute a comparison means, whether the
//! attribute can be compared so, and what the literal is in its type.

use super::ast::{Comparison, Expression, Literal, Operator};
use super::eval::{ElementFilter, Filter, Node, Test};
use super::predicate::{Number, Predicate, Text};
use crate::Mode;
use crate::datetime;
use crate::error::Error;
use crate::json::Quoted;
use crate::mac::MacAddress;
use crate::resource::Value;
use crate::schema::{
    AttrId, Mutability, Registry, ResourceType, ResourceTypeId, Returned, Steps, Type,
};
use smallvec::smallvec;

/// Binds a filter to a resource type.
pub(super) fn bind_filter(
    registry: &Registry,
    resource_type: ResourceTypeId,
    expression: &Expression<'_>,
    mode: Mode,
) -> Result<Filter, Error> {
    let binder = Binder {
        registry,
        mode,
        place: Place::Resource(resource_type),
    };
    Ok(Filter {
        root: binder.node(expression)?,
    })
}

/// Binds what stands between brackets to the elements of an attribute.
pub(crate) fn bind_element(
    registry: &Registry,
    attribute: AttrId,
    expression: &Expression<'_>,
    mode: Mode,
) -> Result<ElementFilter, Error> {
    let binder = Binder {
        registry,
        mode,
        place: Place::Element(attribute),
    };
    Ok(ElementFilter {
        root: binder.node(expression)?,
    })
}

/// Looks up the names in one place.
pub(super) struct Binder<'r> {
    pub(super) registry: &'r Registry,
    pub(super) mode: Mode,
    pub(super) place: Place,
}

/// A comparison whose attribute is known.
pub(super) struct Compared {
    pub(super) attribute: AttrId,
    pub(super) operator: Operator,
    pub(super) predicate: Predicate,
    /// Whether it holds when the predicate does not.
    pub(super) negated: bool,
}

/// What the names in a filter are names of.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Resource(ResourceTypeId),
    Element(AttrId),
}

impl Binder<'_> {
    fn node(&self, expression: &Expression<'_>) -> Result<Node, Error> {
        match expression {
            Expression::And(terms) => Ok(Node::All(self.nodes(terms)?)),
            Expression::Or(terms) => Ok(Node::Any(self.nodes(terms)?)),
            Expression::Not(inner) => Ok(Node::Not(Box::new(self.node(inner)?))),
            Expression::Comparison(comparison) => self.comparison(comparison),
            Expression::ValuePath { attribute, filter } => {
                let id = self.resolve(attribute)?;
                let filter = bind_element(self.registry, id, filter, self.mode)?.root;
                Ok(match self.computed(id) {
                    Some(definition) => self.known(definition, id, &filter),
                    None => Node::Element {
                        steps: self.steps(id),
                        filter: Box::new(filter),
                    },
                })
            }
        }
    }

    fn nodes(&self, expressions: &[Expression<'_>]) -> Result<Vec<Node>, Error> {
        let mut nodes = Vec::with_capacity(expressions.len());
        for expression in expressions {
            nodes.push(self.node(expression)?);
        }
        Ok(nodes)
    }

    fn comparison(&self, comparison: &Comparison<'_>) -> Result<Node, Error> {
        let compared = self.compared(comparison)?;
        let test = self.test(compared.attribute, compared.predicate);
        Ok(if compared.negated {
            Node::Not(Box::new(test))
        } else {
            test
        })
    }

    /// What a comparison compares. With `null`, `eq` is the opposite of `pr` and `ne`
    /// is `pr`.
    pub(super) fn compared(&self, comparison: &Comparison<'_>) -> Result<Compared, Error> {
        let named = self.resolve(&comparison.attribute)?;
        self.check_readable(named)?;
        let null = comparison.literal.is_null();
        let (operator, negated) = match comparison.operator {
            Operator::Equal if null => (Operator::Present, true),
            Operator::NotEqual if null => (Operator::Present, false),
            other => (other, false),
        };
        let (attribute, predicate) = if operator == Operator::Present {
            (named, Predicate::Present)
        } else {
            let id = self.comparable(named, operator)?;
            (id, self.predicate(id, operator, &comparison.literal)?)
        };
        Ok(Compared {
            attribute,
            operator,
            predicate,
            negated,
        })
    }

    fn test(&self, id: AttrId, predicate: Predicate) -> Node {
        let mut test = Test {
            steps: Steps::new(),
            predicate,
        };
        match self.computed(id) {
            Some(definition) => self.known(definition, id, &Node::Test(test)),
            None => {
                test.steps = self.steps(id);
                Node::Test(test)
            }
        }
    }

    /// The resource type, for what is not stored because it follows from the rest:
    /// `meta.resourceType` from the resource type, `schemas` from that and from the
    /// extensions that are there.
    fn computed(&self, id: AttrId) -> Option<&ResourceType> {
        let Place::Resource(resource_type) = self.place else {
            return None;
        };
        let core = self.registry.core();
        (id == core.meta_resource_type || id == core.schemas)
            .then(|| self.registry.resource_type(resource_type))
    }

    /// A condition on what is [`computed`](Self::computed).
    fn known(&self, definition: &ResourceType, id: AttrId, condition: &Node) -> Node {
        let holds = |text: &str| condition.holds_for(&Value::String(text.to_owned()));
        if id == self.registry.core().meta_resource_type {
            return Node::Known(holds(&definition.name));
        }
        if holds(&definition.schema) {
            return Node::Known(true);
        }
        let extensions = definition
            .extensions
            .iter()
            .map(|(container, _)| *container);
        let present = extensions
            .filter(|container| holds(&self.registry.attribute(*container).name))
            .map(|container| {
                Node::Test(Test {
                    steps: smallvec![container],
                    predicate: Predicate::Present,
                })
            });
        Node::Any(present.collect())
    }

    pub(super) fn resolve(&self, name: &str) -> Result<AttrId, Error> {
        let found = match self.place {
            Place::Resource(resource_type) => {
                self.registry.resolve_in(resource_type, name, self.mode)
            }
            Place::Element(attribute) => self
                .registry
                .child(attribute, name)
                // A multi-valued attribute without sub-attributes has the
                // implicit one `value` (RFC 7643 §2.4).
                .or_else(|| name.eq_ignore_ascii_case("value").then_some(attribute))
                .filter(|id| *id != attribute || !self.registry.attribute(*id).is_complex()),
        };
        found.ok_or_else(|| Error::FilterAttribute {
            name: Quoted::from(name),
        })
    }

    /// From the top of the resource, or from the element, to the attribute.
    fn steps(&self, id: AttrId) -> Steps {
        let above = match self.place {
            Place::Resource(_) => None,
            Place::Element(element) => Some(element),
        };
        self.registry.steps(above, id)
    }

    /// What is never returned must not be found out by filters either (RFC 7643
    /// §7, `returned` and `mutability`).
    fn check_readable(&self, id: AttrId) -> Result<(), Error> {
        let hidden = self.registry.lineage(id).any(|step| {
            let attribute = self.registry.attribute(step);
            attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly
        });
        if hidden {
            return Err(Error::Secret {
                attribute: self.registry.path(id),
            });
        }
        Ok(())
    }

    /// The attribute itself, or the `value` of a complex one, which is what
    /// clients mean by `members eq "…"`.
    fn comparable(&self, id: AttrId, operator: Operator) -> Result<AttrId, Error> {
        if !self.registry.attribute(id).is_complex() {
            return Ok(id);
        }
        if is_ordering(operator) {
            return Err(self.refused(id, "a complex attribute has no order".to_owned()));
        }
        // RFC 7644 §3.4.2.2 does so itself for a list: `emails co "example.com"`.
        let is_named_so = self.registry.attribute(id).multi_valued || !self.mode.is_strict();
        let value = self.registry.child(id, "value").filter(|_| is_named_so);
        value.ok_or_else(|| {
            let reason = "it is complex, so name one of its sub-attributes";
            self.refused(id, reason.to_owned())
        })
    }

    fn predicate(
        &self,
        id: AttrId,
        operator: Operator,
        literal: &Literal<'_>,
    ) -> Result<Predicate, Error> {
        let attribute = self.registry.attribute(id);
        let refuse = |reason: String| Err(self.refused(id, reason));
        if literal.is_null() {
            return refuse("null has no order and no parts; use eq, ne or pr".to_owned());
        }
        if self.mode.is_strict() && !is_standard(attribute.kind, literal) {
            let form = match is_bare(attribute.kind) {
                true => "it is compared with a value without quotation marks",
                false => "it is compared with text in quotation marks",
            };
            return refuse(form.to_owned());
        }
        match attribute.kind {
            Type::Boolean | Type::Binary if is_ordering(operator) => refuse(format!(
                "a value that is {} has no order",
                if attribute.kind == Type::Boolean {
                    "true or false"
                } else {
                    "binary"
                }
            )),
            Type::Boolean | Type::Integer | Type::Decimal if is_partial(operator) => {
                refuse(format!(
                    "\"{}\" is for text, and the attribute has none",
                    operator.as_str()
                ))
            }
            Type::Boolean => match boolean(literal.text()) {
                Some(operand) => Ok(Predicate::Boolean { operator, operand }),
                None => refuse("it is compared with true or false".to_owned()),
            },
            Type::Integer | Type::Decimal => match number(literal.text()) {
                Some(operand) => Ok(Predicate::Number { operator, operand }),
                None => refuse("it is compared with a number".to_owned()),
            },
            Type::DateTime if !is_partial(operator) => match datetime::parse(literal.text()) {
                Some(operand) => Ok(Predicate::Instant {
                    operator,
                    operand,
                    literal: literal.text().into(),
                }),
                None => refuse(
                    "it is compared with a date and time such as \"2026-11-24T05:00:00Z\""
                        .to_owned(),
                ),
            },
            Type::String | Type::Reference | Type::DateTime | Type::Binary | Type::Complex => {
                let case_exact = attribute.case_exact || attribute.kind == Type::Binary;
                let whole = !is_partial(operator) && !self.mode.is_strict();
                let address = (whole && id == self.registry.core().device_mac_address)
                    .then(|| MacAddress::parse(literal.text()))
                    .flatten()
                    .map(|address| address.to_string());
                let text = address.as_deref().unwrap_or(literal.text());
                let text = Text::new(operator, case_exact, text);
                Ok(Predicate::Text(text))
            }
        }
    }

    #[cold]
    fn refused(&self, id: AttrId, reason: String) -> Error {
        Error::FilterComparison {
            attribute: self.registry.path(id),
            reason,
        }
    }
}

fn is_ordering(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual
    )
}

fn is_partial(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Contains | Operator::StartsWith | Operator::EndsWith
    )
}

/// Whether literals of a type have no quotation marks.
fn is_bare(kind: Type) -> bool {
    matches!(kind, Type::Boolean | Type::Integer | Type::Decimal)
}

/// Whether a literal has the form of JSON (RFC 7644 §3.4.2.2, `compValue`):
/// `true`, `false` and numbers bare, everything else in quotation marks.
fn is_standard(kind: Type, literal: &Literal<'_>) -> bool {
    match literal {
        Literal::String(_) => !is_bare(kind),
        Literal::Word(word) if kind == Type::Boolean => matches!(word.as_ref(), "true" | "false"),
        Literal::Word(_) => is_bare(kind),
    }
}

/// `true` and `false` in any case, in quotation marks or not: Microsoft Entra
/// asks for `roles[primary eq "True"]`.
fn boolean(text: &str) -> Option<bool> {
    [("true", true), ("false", false)]
        .into_iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, value)| value)
}

/// A number of JSON (RFC 8259 §6).
fn number(text: &str) -> Option<Number> {
    if let Ok(integer) = text.parse() {
        return Some(Number::Integer(integer));
    }
    let number: serde_json::Number = serde_json::from_str(text).ok()?;
    number.as_f64().map(Number::Decimal)
}
