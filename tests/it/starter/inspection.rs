//! Defects by example, as `sightline evaluate --mvtec` measures them with all defaults. In: the parts of SIGHTLINE_DATA. Out:
//! AUROC of parts and of pixels, with floors a little under them.

use sightline_core::anomaly::Settings;
use sightline_core::engine::{EvaluateRequest, evaluate};
use sightline_core::jobs::Ticker;
use sightline_tests::data_dir;

use super::{check_floor, model};

#[track_caller]
fn check(set: &str, floors: [(usize, f64, f64); 2]) {
    let Some(folder) = data_dir().map(|data| data.join("inspection").join(set)) else { return };
    if std::env::var_os("SLOW_TESTS").is_none() {
        println!("skipped: set SLOW_TESTS=1");
        return;
    }
    let (model, has_floor) = model();
    for (count, of_parts, of_pixels) in floors {
        let request = EvaluateRequest::mvtec(&folder, Settings::default()).unwrap();
        let request = EvaluateRequest { references: Some(count), ..request };
        let report = evaluate(&model, &request, &Ticker::silent()).unwrap();
        let percent = |figure: Option<f64>| 100.0 * figure.unwrap();
        let what = |of: &str| format!("{set}, {count} references: AUROC of {of}");
        check_floor(&what("parts"), percent(report.image_auroc), of_parts, has_floor);
        check_floor(&what("pixels"), percent(report.pixel_auroc), of_pixels, has_floor);
    }
}

#[test]
fn defects_of_macaroni_are_found() {
    check("macaroni1", [(1, 70.0, 97.5), (4, 74.5, 98.0)]);
}

#[test]
fn defects_of_tiles_are_found() {
    check("magnetic_tile", [(1, 75.5, 71.0), (4, 73.5, 72.0)]);
}
