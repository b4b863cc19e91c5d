//! The tables, in Markdown.

use super::{Case, Slice};

/// A row for each case: medians, with the least and the most of its rounds.
pub(super) fn costs(cases: &[Case], slices: &[Vec<Slice>]) {
    println!("\n| case | CPU µs each | ratio to | | each second | p50, µs | p99, µs |");
    println!("|---|---|---|---|---|---|---|");
    for (case, own) in cases.iter().zip(slices) {
        let base = &slices[case.base];
        let cost = spread(own.iter().map(|slice| slice.cost));
        let ratio = spread(own.iter().zip(base).map(|(own, base)| own.cost / base.cost));
        let [rate, p50, p99] = [
            middle(own.iter().map(|slice| slice.rate)),
            middle(own.iter().map(|slice| slice.p50)),
            middle(own.iter().map(|slice| slice.p99)),
        ];
        println!(
            "| {} | {cost} | {} | {ratio} | {rate:.0} | {p50:.0} | {p99:.0} |",
            case.name, cases[case.base].name
        );
    }
}

/// A row for each kind of connection.
pub(super) fn memory(rows: &[(&str, f64)]) {
    println!("\n| | bytes each |\n|---|---|");
    for (name, bytes) in rows {
        println!("| {name} | {bytes:.0} |");
    }
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let values = sorted(values);
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{:.2} ({least:.2} to {most:.2})", median(&values))
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&sorted(values))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    f64::midpoint(sorted[half], sorted[sorted.len() - 1 - half])
}
