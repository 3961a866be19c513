//! The crates that parse filters. `scim-filter` evaluates them too, on anything that
//! serde can write.

use crate::inputs::Inputs;
use crate::ours::{EVALUATE, PARSE};
use crate::table::Figure;
use crate::timing::micros;
use std::hint::black_box;

pub(crate) fn measure(inputs: &Inputs) -> Vec<Figure> {
    let user = std::slice::from_ref(&inputs.user);
    let evaluate = || scim_filter::scim_filter(&inputs.evaluated, user.to_vec());
    let mut figures = vec![
        parse(inputs, "scim-filter (crate)", |text| {
            matches!(scim_filter::parser::filter(text), Ok(("", _)))
        }),
        parse(inputs, "scim_v2 (crate)", |text| {
            text.parse::<scim_v2::filter::Filter>().is_ok()
        }),
    ];
    if evaluate().is_ok_and(|found| found.len() == 1) {
        figures.push(Figure {
            task: EVALUATE.to_owned(),
            implementation: "scim-filter (crate), parse included".to_owned(),
            micros: micros(|| {
                let _ = black_box(evaluate());
            }),
            taken: None,
        });
    }
    figures
}

fn parse(inputs: &Inputs, name: &str, read: impl Fn(&str) -> bool) -> Figure {
    let taken: Vec<&String> = inputs.filters.iter().filter(|text| read(text)).collect();
    let all = micros(|| {
        for text in &taken {
            black_box(read(black_box(text)));
        }
    });
    Figure {
        task: PARSE.to_owned(),
        implementation: name.to_owned(),
        micros: all / taken.len() as f64,
        taken: Some(taken.len()),
    }
}
