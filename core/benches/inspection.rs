//! How fast inspection is beside the encoder: a bank is built, parts are scored, maps and regions are made; with the built-in
//! model, parts are learnt and judged as the program does it. In: n patches of good parts, n good parts that the program
//! draws. Out: times; `cargo test` runs each function once, with little.
//!
//! `cargo bench --workspace --bench inspection`

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use image::RgbImage;
use sightline_core::Result;
use sightline_core::anomaly::{Allowed, Hysteresis, MemoryBank, Patches, Roi, ScoreGrid, demo, regions};
use sightline_core::anomaly::{Inspector, Learnt, Lesson, Settings, show_all};
use sightline_core::models::{self, Encoder, PatchFeatures};

/// Four layers of 192 numbers, joined.
const DIM: usize = 768;

/// Numbers between −1 and 1 that look random and are always the same.
fn noise(seed: usize) -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed as u64 + 1), next).skip(1).map(|x| (x >> 40) as f32 / (1 << 23) as f32 - 1.0)
}

fn patches(seed: usize, columns: usize) -> Patches {
    let mut values: Vec<f32> = noise(seed).take(columns * DIM).collect();
    for feature in values.chunks_exact_mut(DIM) {
        let length = feature.iter().map(|value| value * value).sum::<f32>().sqrt();
        feature.iter_mut().for_each(|value| *value /= length);
    }
    PatchFeatures { layers: 1, rows: 1, columns, dim: DIM, values }.into()
}

fn bench_bank(criterion: &mut Criterion, n: usize) {
    let part = [patches(1, n)];
    let mut group = criterion.benchmark_group("bank");
    group.sample_size(10);
    group.bench_with_input(BenchmarkId::new("whole", n), &part, |bencher, part| bencher.iter(|| MemoryBank::new(part)));
    group.bench_with_input(BenchmarkId::new("coreset_of_a_tenth", n), &part, |bencher, part| {
        bencher.iter(|| MemoryBank::new(part).and_then(|bank| bank.coreset(n / 10)));
    });
    group.finish();
}

fn bench_scores(criterion: &mut Criterion, n: usize) {
    let Ok(bank) = MemoryBank::new(&[patches(1, n)]) else { return };
    let part = patches(2, 532.min(n));
    let mut group = criterion.benchmark_group("scores");
    group.sample_size(10);
    group.bench_with_input(BenchmarkId::new("nearest", n), &part, |bencher, part| {
        bencher.iter(|| bank.nearest(part, Allowed::default()));
    });
    group.finish();
}

/// The map and the regions of a picture of 1500 × 1000 pixels.
fn bench_regions(criterion: &mut Criterion, n: usize) {
    let grid = ScoreGrid { rows: 19, columns: 28, values: noise(3).map(f32::abs).take(19 * 28).collect() };
    let (width, height) = (1500.min(n as u32 * 10), 1000.min(n as u32 * 7));
    let mut group = criterion.benchmark_group("regions");
    group.sample_size(10);
    group.bench_function("map", |bencher| bencher.iter(|| grid.map((width, height), None, &Roi::default())));
    let map = grid.map((width, height), None, &Roi::default());
    let thresholds = Hysteresis { high: 0.8, low: 0.6 };
    group.bench_function("regions", |bencher| bencher.iter(|| regions(&map, thresholds, 16.0)));
    group.finish();
}

fn taught(encoder: &Arc<dyn Encoder>, parts: &[RgbImage]) -> Result<Inspector> {
    let settings = Settings::default();
    let others = settings.others().into_iter().map(|look| one_look(encoder, look, parts)).collect::<Result<_>>()?;
    Inspector::of(one_look(encoder, settings, parts)?, others, &|| Ok(()))
}

fn one_look(encoder: &Arc<dyn Encoder>, settings: Settings, parts: &[RgbImage]) -> Result<Learnt> {
    let mut lesson = Lesson::new(Arc::clone(encoder), settings)?;
    for (at, part) in parts.iter().enumerate() {
        show_all(std::slice::from_mut(&mut lesson), &at.to_string(), part)?;
    }
    lesson.end(&|| Ok(()))?.learnt(Vec::new())
}

/// Learning 4, 8 and 16 parts, what the model takes for one of them, and judging it.
fn bench_parts(criterion: &mut Criterion, width: u32, counts: &[u64]) -> Result<()> {
    let encoder: Arc<dyn Encoder> = models::load(&models::starter())?.into();
    let most = counts.iter().copied().max().unwrap_or_default();
    let parts: Vec<RgbImage> = (0..most).map(|seed| demo::draw_part(seed, width, None).picture).collect();
    let part = demo::draw_part(most, width, Some(demo::DefectKind::Scratch)).picture;
    let mut group = criterion.benchmark_group("parts");
    group.sample_size(10);
    for count in counts {
        let parts = &parts[..*count as usize];
        group.bench_function(BenchmarkId::new("learnt", count), |bencher| bencher.iter(|| taught(&encoder, parts)));
    }
    let inspector = taught(&encoder, &parts)?;
    let settings = Settings::default();
    group.bench_function("encoder", |bencher| {
        bencher.iter(|| {
            let look = |size: &usize| encoder.unscaled_patch_features(&part, Some(*size));
            settings.sizes().iter().map(look).collect::<Result<Vec<_>>>()
        });
    });
    group.bench_function("scored", |bencher| bencher.iter(|| inspector.judge(&part)));
    group.bench_function("scored, with map and regions", |bencher| {
        bencher.iter(|| inspector.judge(&part).map(|judgement| inspector.regions(&inspector.map(&judgement))));
    });
    group.finish();
    Ok(())
}

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (width, counts): (u32, &[u64]) = if is_bench { (1500, &[4, 8, 16]) } else { (200, &[2]) };
    bench_parts(&mut criterion, width, counts)?;
    for n in if is_bench { vec![2128, 17_024] } else { vec![64] } {
        bench_bank(&mut criterion, n);
        bench_scores(&mut criterion, n);
        bench_regions(&mut criterion, n);
    }
    criterion.final_summary();
    Ok(())
}
