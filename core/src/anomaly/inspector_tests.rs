//! What must hold of an inspector whatever the model: on an encoder whose patches know only themselves.

use std::sync::Arc;

use image::{Rgb, RgbImage};

use super::calibrate::{Basis, Calibration};
use super::inspector::{Inspector, Judgement};
use super::lesson::{GoOn, Lesson, show_all};
use super::region::Hysteresis;
use super::roi::Roi;
use super::settings::{Look, Settings};
use super::taught::Learnt;
use super::testing::FakeEncoder;
use super::tiling::Tiling;
use super::verdict::Verdict;
use crate::error::Error;

const GO_ON: GoOn<'_> = &|| Ok(());

/// A part with soft colours; `seed` moves them a little.
fn part(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |at: u32, period: u32| (60.0 * (at as f32 * std::f32::consts::TAU / period as f32).sin()) as i32;
        let level = |base: i32, wave: i32| (base + wave + seed as i32).clamp(0, 255) as u8;
        Rgb([level(120, wave(x, 96)), level(120, wave(y, 64)), level(100, wave(x + y, 144) / 2)])
    })
}

fn with_defect(mut picture: RgbImage, left: u32, top: u32) -> RgbImage {
    for (x, y) in (0..24).flat_map(|y| (0..24).map(move |x| (left + x, top + y))) {
        picture.put_pixel(x, y, Rgb([250, 10, 250]));
    }
    picture
}

/// A method that scores patches one by one and exactly.
fn settings() -> Settings {
    Settings { method: "patch-knn".into(), sizes: vec![192], neighbourhood: 1, ..Settings::default() }
}

fn taught(settings: Settings, parts: &[RgbImage]) -> Inspector {
    Inspector::of(learnt(settings, parts), Vec::new(), GO_ON).unwrap()
}

fn learnt(settings: Settings, parts: &[RgbImage]) -> Learnt {
    let mut lesson = Lesson::new(Arc::new(FakeEncoder), settings).unwrap();
    for (at, picture) in parts.iter().enumerate() {
        show_all(std::slice::from_mut(&mut lesson), &format!("part {at}"), picture).unwrap();
    }
    lesson.end(GO_ON).unwrap().learnt(Vec::new()).unwrap()
}

fn good(count: u32) -> Vec<RgbImage> {
    (0..count).map(|seed| part(192, 128, 2 * seed)).collect()
}

#[test]
fn a_reference_scores_zero_and_a_defect_does_not_pass() {
    let inspector = taught(settings(), &good(6));
    assert!(inspector.judge(&good(1)[0]).unwrap().score < 1e-6);
    let bad = inspector.judge(&with_defect(part(192, 128, 3), 80, 40)).unwrap();
    assert_ne!(bad.verdict, Verdict::Pass);
    let regions = inspector.regions(&inspector.map(&bad)).regions;
    let middle = (regions[0].x + regions[0].width / 2, regions[0].y + regions[0].height / 2);
    assert!(middle.0.abs_diff(92) < 8 && middle.1.abs_diff(52) < 8, "{regions:?}");
    assert_eq!(inspector.judge(&part(192, 128, 3)).unwrap().verdict, Verdict::Pass);
}

#[test]
fn the_default_finds_a_defect_and_lets_good_parts_pass() {
    let inspector = taught(Settings { sizes: vec![192], ..Settings::default() }, &good(8));
    let bad = inspector.judge(&with_defect(part(192, 128, 3), 80, 40)).unwrap();
    assert_ne!(bad.verdict, Verdict::Pass);
    let regions = inspector.shown_regions(&bad, &inspector.map(&bad)).regions;
    assert!(regions.iter().any(|region| region.x.abs_diff(80) < 12 && region.y.abs_diff(40) < 12), "{regions:?}");
    assert_eq!(inspector.judge(&part(192, 128, 3)).unwrap().verdict, Verdict::Pass);
}

#[test]
fn a_part_that_does_not_pass_shows_a_place_even_below_what_regions_need() {
    let mut inspector = taught(settings(), &good(6));
    let regions = Hysteresis { high: 9.0, low: 6.0 };
    inspector.set_calibration(Calibration { regions, ..inspector.calibration().clone() });
    let shown = |picture: &RgbImage| {
        let judged = inspector.judge(picture).unwrap();
        inspector.shown_regions(&judged, &inspector.map(&judged)).regions
    };
    let worst = shown(&with_defect(part(192, 128, 3), 80, 40));
    assert!(worst.len() == 1 && worst[0].x.abs_diff(80) < 8 && worst[0].y.abs_diff(40) < 8, "{worst:?}");
    assert!(shown(&part(192, 128, 3)).is_empty());
}

#[test]
fn where_rims_differ_the_map_is_half_as_calm_as_the_score() {
    let striped = |seed: u32| {
        let mut picture = part(192, 128, 0);
        (0..192).for_each(|x| (0..8).for_each(|y| picture.put_pixel(x, y, Rgb([(80 * seed) as u8, 40, 200]))));
        picture
    };
    let peak = |calms_rim: bool| {
        let inspector = taught(Settings { calms_rim, ..settings() }, &[0, 1, 2].map(striped));
        let judged = inspector.judge(&striped(3)).unwrap();
        assert_eq!(judged.sight.grid.part_score(0.003, &Roi::default()), judged.score);
        (inspector.map(&judged).peak(), judged.score)
    };
    let ((map, score), (raw_map, raw_score)) = (peak(true), peak(false));
    assert!(map < 0.7 * raw_map, "{map} {raw_map}");
    assert!(score / raw_score < map / raw_map, "{score} {raw_score} {map} {raw_map}");
}

#[test]
fn two_looks_have_an_equal_say_and_are_calibrated_together() {
    let pictures = good(6);
    let look = |size: usize| learnt(Settings { sizes: vec![size], ..settings() }, &pictures);
    let alone = |size: usize| Inspector::of(look(size), Vec::new(), GO_ON).unwrap();
    let both = Inspector::of(look(192), vec![look(96)], GO_ON).unwrap();
    let bad = with_defect(part(192, 128, 3), 80, 40);
    let score = |inspector: &Inspector| inspector.judge(&bad).unwrap().score / inspector.calibration().review.score;
    let judged = both.judge(&bad).unwrap();
    assert!((judged.score - (score(&alone(192)) + score(&alone(96))) / 2.0).abs() < 1e-4 * judged.score);
    assert_ne!(judged.verdict, Verdict::Pass);
    assert_eq!(judged.p_value, Some(1.0 / 7.0));
    assert_eq!(both.judge(&part(192, 128, 3)).unwrap().verdict, Verdict::Pass);
    let (one, other) = (alone(192), alone(96));
    let joint = both.shown_grid(&judged);
    let (own, coarse) = (one.shown_grid(&one.judge(&bad).unwrap()), other.shown_grid(&other.judge(&bad).unwrap()));
    assert_eq!((joint.rows, joint.columns), (own.rows, own.columns));
    let coarse = coarse.resized(own.rows, own.columns);
    let limits = (one.calibration().review.score, other.calibration().review.score);
    for ((joint, own), coarse) in joint.values.iter().zip(own.values).zip(coarse.values) {
        assert!((joint - (own / limits.0 + coarse / limits.1) / 2.0).abs() < 1e-4 * joint);
    }
    let found = both.regions(&both.map(&judged)).regions;
    assert!(!found.is_empty() && found[0].x <= 80 && found[0].y <= 40, "{found:?}");
}

#[test]
fn the_usual_way_to_look_is_not_spoken_of_but_combined_methods_are() {
    let combined = vec![Look { method: "patch-knn".into(), size: 96 }];
    let joined = |settings: Settings| {
        let look = |settings| learnt(settings, &good(4));
        Inspector::of(look(settings.clone()), settings.others().into_iter().map(look).collect(), GO_ON).unwrap()
    };
    let said = |inspector: &Inspector| inspector.calibration().notes.iter().any(|note| note.contains("combined"));
    assert!(said(&joined(Settings { combined, ..settings() })));
    assert!(!said(&joined(Settings { sizes: vec![192, 96], ..settings() })));
}

#[test]
fn parts_that_are_all_the_same_give_numbers_with_several_looks_too() {
    let flat = || RgbImage::from_pixel(192, 128, Rgb([90, 90, 90]));
    let look = |size: usize| learnt(Settings { sizes: vec![size], ..settings() }, &[flat(), flat(), flat()]);
    let both = Inspector::of(look(192), vec![look(96)], GO_ON).unwrap();
    let judged = both.judge(&with_defect(flat(), 80, 40)).unwrap();
    assert!(judged.score.is_finite() && both.map(&judged).values.iter().all(|score| score.is_finite()));
    assert_ne!(judged.verdict, Verdict::Pass);
}

#[test]
fn what_is_judged_before_and_after_changes_nothing() {
    let inspector = taught(settings(), &good(3));
    let pictures = [part(192, 128, 1), with_defect(part(192, 128, 5), 10, 10), part(100, 120, 9)];
    let forth: Vec<Judgement> = pictures.iter().map(|picture| inspector.judge(picture).unwrap()).collect();
    let back: Vec<Judgement> = pictures.iter().rev().map(|picture| inspector.judge(picture).unwrap()).collect();
    assert!(forth.iter().eq(back.iter().rev()));
}

#[test]
fn the_order_of_references_does_not_matter() {
    let (forth, mut parts) = (taught(settings(), &good(4)), good(4));
    parts.reverse();
    let back = taught(settings(), &parts);
    let picture = with_defect(part(192, 128, 5), 10, 10);
    let (one, other) = (forth.judge(&picture).unwrap(), back.judge(&picture).unwrap());
    let differs =
        one.sight.grid.values.iter().zip(&other.sight.grid.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(differs < 1e-6);
    assert!((forth.calibration().review.score - back.calibration().review.score).abs() < 1e-6);
}

#[test]
fn in_tiles_a_part_is_judged_as_in_one() {
    let whole = taught(Settings { sizes: vec![384], ..settings() }, &[part(384, 256, 0), part(384, 256, 4)]);
    let tiling = Some(Tiling { side_px: 128, overlap: 2 });
    let tiled = taught(Settings { sizes: vec![128], tiling, ..settings() }, &[part(384, 256, 0), part(384, 256, 4)]);
    let picture = with_defect(part(384, 256, 2), 120, 120);
    let (one, other) = (whole.judge(&picture).unwrap(), tiled.judge(&picture).unwrap());
    assert_eq!((one.sight.grid.rows, one.sight.grid.columns), (other.sight.grid.rows, other.sight.grid.columns));
    let differs =
        one.sight.grid.values.iter().zip(&other.sight.grid.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(differs < 1e-4, "{differs}");
}

#[test]
fn a_very_large_part_is_judged_in_tiles() {
    let tiling = Some(Tiling { side_px: 1024, overlap: 2 });
    let settings = Settings { sizes: vec![256], tiling, ..settings() };
    let inspector = taught(settings, &[part(1024, 600, 0), part(1024, 600, 4)]);
    let judged = inspector.judge(&with_defect(part(8192, 600, 2), 8000, 300)).unwrap();
    assert_eq!((judged.sight.grid.rows, judged.sight.grid.columns), (19, 256));
    let map = inspector.map(&judged);
    assert_eq!((map.width, map.height), (4096, 300));
    let regions = inspector.regions(&map).regions;
    assert!(regions.iter().any(|region| region.x.abs_diff(8000) < 80 && region.y.abs_diff(300) < 80), "{regions:?}");
}

#[test]
fn turned_copies_are_learnt_and_left_out_with_their_part() {
    let inspector = taught(Settings { turns: true, ..settings() }, &good(3));
    assert_eq!(inspector.features(), 8 * 3 * 24 * 16);
    assert_eq!(inspector.calibration().basis, Basis::LeaveOneOut);
    assert_eq!(inspector.calibration().ok.len(), 3);
}

#[test]
fn one_reference_is_uncalibrated_and_none_is_refused() {
    let inspector = taught(settings(), &good(1));
    assert_eq!(inspector.calibration().basis, Basis::Uncalibrated);
    assert_eq!(inspector.judge(&part(192, 128, 1)).unwrap().verdict, Verdict::Pass);
    assert_eq!(inspector.judge(&with_defect(part(192, 128, 1), 50, 50)).unwrap().verdict, Verdict::Review);
    assert!(Lesson::new(Arc::new(FakeEncoder), settings()).unwrap().end(GO_ON).is_err());
}

#[test]
fn every_place_names_the_good_patch_it_was_compared_with() {
    let inspector = taught(settings(), &good(2));
    let origins = inspector.compared_with(&good(2)[1]).unwrap();
    assert_eq!(origins.len(), 16 * 24);
    let origin = origins[5 * 24 + 7].unwrap();
    assert_eq!((origin.part, origin.row, origin.column), (1, 5, 7));
}

#[test]
fn a_dark_picture_goes_to_review_with_the_reason() {
    let inspector = taught(settings(), &good(3));
    let judged = inspector.judge(&RgbImage::new(192, 128)).unwrap();
    assert!(judged.verdict >= Verdict::Review && judged.complaint.unwrap().starts_with("darker"));
}

#[test]
fn references_of_different_sizes_and_of_one_pixel_are_learnt() {
    let inspector = taught(settings(), &[part(192, 128, 0), part(50, 300, 1), part(1, 1, 2)]);
    assert!(inspector.judge(&part(1, 1, 0)).unwrap().score.is_finite());
}

#[test]
fn learning_can_be_stopped_between_parts() {
    let parts: Vec<RgbImage> = (0..3).map(|seed| part(192, 128, seed)).collect();
    let stop: GoOn<'_> = &|| Err(Error::Cancelled);
    let mut lesson = Lesson::new(Arc::new(FakeEncoder), settings()).unwrap();
    for (at, picture) in parts.iter().enumerate() {
        show_all(std::slice::from_mut(&mut lesson), &at.to_string(), picture).unwrap();
    }
    assert!(matches!(lesson.end(stop), Err(Error::Cancelled)));
    assert!(matches!(Inspector::of(learnt(settings(), &parts), Vec::new(), stop), Err(Error::Cancelled)));
}
