//! Plain text tables for a terminal.

/// Which side a column's cells lean to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Lays out `rows` under `head`, columns two spaces apart, no line ending in a space.
///
/// A row with fewer cells than the head ends early; a row with more has its surplus left out.
pub fn render(head: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let titles: Vec<String> = head.iter().map(|(title, _)| (*title).to_owned()).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = std::iter::once(&titles).chain(rows).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let lines = [&titles, &rule].into_iter().chain(rows).map(|row| line(row, head, &widths));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn line(cells: &[String], head: &[(&str, Align)], widths: &[usize]) -> String {
    let padded = cells.iter().zip(head).zip(widths).map(|((cell, (_, align)), width)| match align {
        Align::Left => format!("{cell:<width$}"),
        Align::Right => format!("{cell:>width$}"),
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_lean_to_their_side_and_lines_end_clean() {
        let head = [("step", Align::Left), ("time", Align::Right), ("note", Align::Left)];
        let rows = vec![
            vec!["fmt".to_owned(), "1.2 s".to_owned(), String::new()],
            vec!["clippy".to_owned(), "3 min 08 s".to_owned(), "größer".to_owned()],
            vec!["short".to_owned()],
        ];
        expect![[r"
            step          time  note
            ------  ----------  ------
            fmt          1.2 s
            clippy  3 min 08 s  größer
            short
        "]]
        .assert_eq(&render(&head, &rows));
    }
}
