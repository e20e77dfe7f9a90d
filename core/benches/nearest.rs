//! How fast the exact scan is: top-100 of n × 512, beside reading the same bytes. In: n. Out: times; `cargo test` runs each function once, with n = 300.
//!
//! `cargo bench -p sightline-core --bench nearest`; one million rows (1 GB) only with `BENCH_LARGE=1`.

use criterion::{BenchmarkId, Criterion, Throughput};
use half::f16;
use rayon::prelude::*;
use sightline_core::models::UnitVector;
use sightline_core::search::{Matrix, Term, nearest};

const DIM: usize = 512;
const LIMIT: usize = 100;

/// Numbers between −1 and 1 that look random and are always the same.
fn noise(seed: usize) -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed as u64 + 1), next).skip(1).map(|x| (x >> 40) as f32 / (1 << 23) as f32 - 1.0)
}

fn term(seed: usize, weight: f32) -> Option<Term> {
    Some(Term { vector: UnitVector::normalised(noise(seed).take(DIM).collect())?, weight })
}

/// `n` rows of about length 1. After 5,000 they repeat: drawing more takes longer than the scan and changes nothing.
fn rows(n: usize) -> Vec<f16> {
    let scale = (3.0 / DIM as f32).sqrt();
    let some: Vec<f16> = noise(0).take(n.min(5_000) * DIM).map(|v| f16::from_f32(v * scale)).collect();
    some.iter().copied().cycle().take(n * DIM).collect()
}

/// Adds up all bytes, eight at a time, on all cores: what no scan can be faster than.
fn read(values: &[f16]) -> u64 {
    let sum = |part: &[u64]| part.iter().fold(0_u64, |sum, eight| sum.wrapping_add(*eight));
    let (_, eights, _) = bytemuck::pod_align_to::<f16, u64>(values);
    eights.par_chunks(1 << 13).map(sum).reduce(|| 0, u64::wrapping_add)
}

/// One text, three chips with a negative among them, and a filter that leaves every tenth photo.
fn bench_nearest(criterion: &mut Criterion, n: usize) {
    let values = rows(n);
    let matrix = Matrix::new(DIM, &values);
    let one: Vec<Term> = term(1, 1.0).into_iter().collect();
    let three: Vec<Term> = [term(1, 1.0), term(2, -0.5), term(3, 0.5)].into_iter().flatten().collect();
    let tenth: Vec<bool> = (0..n).map(|row| row % 10 == 0).collect();
    let cases = [("one_term", &one, None), ("three_terms", &three, None), ("a_tenth_allowed", &one, Some(&tenth[..]))];
    let mut group = criterion.benchmark_group("nearest");
    group.sample_size(10).throughput(Throughput::Bytes((n * DIM * size_of::<f16>()) as u64));
    for (name, terms, allowed) in cases {
        group.bench_function(BenchmarkId::new(name, n), |b| b.iter(|| nearest(&matrix, terms, allowed, LIMIT)));
    }
    group.bench_function(BenchmarkId::new("reading", n), |b| b.iter(|| read(&values)));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let is_large = std::env::var_os("BENCH_LARGE").is_some_and(|value| value == "1");
    let sizes: &[usize] = match (is_measuring, is_large) {
        (false, _) => &[300],
        (true, false) => &[10_000, 100_000],
        (true, true) => &[10_000, 100_000, 1_000_000],
    };
    for n in sizes {
        bench_nearest(&mut criterion, *n);
    }
    criterion.final_summary();
}
