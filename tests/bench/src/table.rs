//! The figures as a table: each beside ours.

use std::fmt::Write as _;

/// What [`Figure::implementation`] calls this project.
pub(crate) const OURS: &str = "scim (this project)";

/// What the figures do not say of those who are compared.
const NOTES: &str = "\
Ours binds every filter to the schema, and reads a parsed PATCH request with its envelope,
types its values and applies all of it or nothing. None of the others knows a schema, and
none keeps what it has parsed. scim-patch in place takes the operations without an envelope
and, when one fails, leaves what those before it did; on a copy it is all or nothing too.
";

/// How long one implementation takes for one task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) task: String,
    pub(crate) implementation: String,
    pub(crate) micros: f64,
    /// Of several inputs, how many it took.
    pub(crate) taken: Option<usize>,
}

/// One block for each task in the order of first mention, fastest first, and notes.
pub(crate) fn render(figures: &[Figure]) -> String {
    let mut tasks: Vec<&str> = Vec::new();
    for figure in figures {
        if !tasks.contains(&figure.task.as_str()) {
            tasks.push(&figure.task);
        }
    }
    let mut table = String::new();
    for task in tasks {
        let mut rows: Vec<&Figure> = figures.iter().filter(|f| f.task == task).collect();
        rows.sort_by(|a, b| a.micros.total_cmp(&b.micros));
        let ours = rows.iter().find(|f| f.implementation == OURS);
        let _ = writeln!(table, "{task}");
        for row in &rows {
            let ratio = ours.map_or(f64::NAN, |ours| row.micros / ours.micros);
            let taken = row.taken.map(|n| format!(", {n} of the inputs"));
            let _ = writeln!(
                table,
                "  {:<36} {:>9.3} µs {:>8.1} x ours{}",
                row.implementation,
                row.micros,
                ratio,
                taken.unwrap_or_default()
            );
        }
        table.push('\n');
    }
    table.push_str(NOTES);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_stands_beside_ours() {
        let figure = |implementation: &str, micros| Figure {
            task: "parse".to_owned(),
            implementation: implementation.to_owned(),
            micros,
            taken: Some(20),
        };
        let table = render(&[figure("slow", 6.0), figure(OURS, 2.0)]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "parse");
        assert!(lines[1].contains(OURS) && lines[1].contains("1.0 x ours"));
        assert!(lines[2].contains("slow") && lines[2].contains("3.0 x ours"));
    }
}
