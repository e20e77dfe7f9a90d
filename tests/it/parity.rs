//! Models, tokenizers and preprocessing against their Python references (tests/parity). In: tiny checkpoints in every
//! layout and what the reference libraries make of them. Out: nothing may differ by more than 1e-4, pixels by one step of
//! 255. A new family adds a line to `CASES`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use image::RgbImage;
use serde_json::{Value, json};
use sightline_core::models::{Checkpoint, Encoder, ImageTower, Preprocessing, TextTokenizer, load};

/// Every checkpoint, and how many tokens of its towers stand before the patches.
const CASES: &[(&str, usize)] = &[
    ("clip_hf_quickgelu", 1),
    ("clip_hf_gelu_eos", 1),
    ("clip_hf_bin", 1),
    ("openai_pt", 1),
    ("open_clip_vit", 1),
    ("open_clip_bin", 1),
    ("open_clip_custom_text", 1),
    ("open_clip_timm", 1),
    ("open_clip_resnet", 0),
    ("dinov2_hf", 1),
    ("dinov2_registers_hf", 5),
    ("dinov2_swiglu_hf", 1),
    ("timm_dinov2", 1),
    ("timm_dinov2_registers", 5),
];

const TOLERANCE: f32 = 1e-4;

type Tensors = HashMap<String, Tensor>;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/fixtures")
}

/// Asks every case's encoder and expected tensors.
#[track_caller]
fn check_all(compare: impl Fn(&str, usize, &dyn Encoder, &Tensors)) {
    for &(case, prefix) in CASES {
        let encoder = load(&Checkpoint::from_folder(fixtures().join("checkpoints").join(case))).unwrap();
        let expected = fixtures().join("expected").join(format!("{case}.safetensors"));
        let expected = candle_core::safetensors::load(expected, &Device::Cpu).unwrap();
        compare(case, prefix, &*encoder, &expected);
    }
}

#[track_caller]
fn check_near(what: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let (found, expected) = (numbers(found), numbers(expected));
    let most = found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f32::max);
    assert!(most <= TOLERANCE, "{what} differs by {most}");
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(candle_core::DType::F32).unwrap().to_vec1().unwrap()
}

fn image(encoder: &dyn Encoder) -> &dyn ImageTower {
    encoder.image_tower().unwrap()
}

/// The sizes that a case was also run at: "3x7" and its rows and columns.
fn grids(expected: &Tensors) -> Vec<(String, usize, usize)> {
    let sizes = expected.keys().filter_map(|name| name.strip_prefix("positions."));
    let grid = |size: &str| {
        let (rows, columns) = size.split_once('x').unwrap();
        (size.to_owned(), rows.parse().unwrap(), columns.parse().unwrap())
    };
    sizes.map(grid).collect()
}

#[test]
fn image_embeddings_are_those_of_the_reference() {
    check_all(|case, _, encoder, expected| {
        let found = image(encoder).embed(&expected["pixels"]).unwrap();
        check_near(case, &found, &expected["image_embeddings"]);
        assert_eq!(found.dim(1).unwrap(), encoder.dim());
    });
}

/// What a graphics card would compute, here on the processor.
#[test]
fn image_embeddings_by_a_cards_way_are_those_of_the_reference() {
    for &(case, prefix) in CASES {
        let mut encoder = load(&Checkpoint::from_folder(fixtures().join("checkpoints").join(case))).unwrap();
        let is_moved = encoder.compute_on(&Device::Cpu).is_ok();
        assert_eq!(is_moved, prefix > 0, "{case}: transformers and only those");
        let expected = fixtures().join("expected").join(format!("{case}.safetensors"));
        let expected = candle_core::safetensors::load(expected, &Device::Cpu).unwrap();
        let found = image(&*encoder).embed(&expected["pixels"]).unwrap();
        check_near(case, &found, &expected["image_embeddings"]);
    }
}

#[test]
fn image_embeddings_on_other_grids_are_those_of_the_reference() {
    check_all(|case, _, encoder, expected| {
        for (size, ..) in grids(expected) {
            let found = image(encoder).embed(&expected[&format!("pixels.{size}")]).unwrap();
            check_near(&format!("{case} {size}"), &found, &expected[&format!("image_embeddings.{size}")]);
        }
    });
}

#[test]
fn interpolated_positions_are_those_of_the_reference() {
    check_all(|case, _, encoder, expected| {
        for (size, rows, columns) in grids(expected) {
            let found = image(encoder).positions(rows, columns).unwrap().unwrap();
            check_near(&format!("{case} {size}"), &found, &expected[&format!("positions.{size}")]);
        }
    });
}

#[test]
fn what_each_block_gives_for_each_patch_is_that_of_the_reference() {
    check_all(|case, prefix, encoder, expected| {
        let blocks = image(encoder).patches(&expected["pixels"]).unwrap();
        let last = blocks.len() - 1;
        assert!(!expected.contains_key(&format!("tokens.{}", last + 1)), "{case} has more blocks");
        for (at, found) in blocks.iter().enumerate() {
            // DINOv2's last patches are those after the final norm.
            let normalised = expected.get("tokens.final").filter(|_| at == last);
            let tokens = normalised.unwrap_or_else(|| &expected[&format!("tokens.{at}")]);
            let patches = tokens.narrow(1, prefix, tokens.dim(1).unwrap() - prefix).unwrap();
            check_near(&format!("{case} block {at}"), found, &patches);
        }
    });
}

#[test]
fn what_each_place_is_by_itself_is_that_of_the_reference() {
    let expected = fixtures().join("expected/dense.safetensors");
    let expected = candle_core::safetensors::load(expected, &Device::Cpu).unwrap();
    assert_eq!(expected.len(), 3);
    for (case, expected) in &expected {
        let encoder = load(&Checkpoint::from_folder(fixtures().join("checkpoints").join(case))).unwrap();
        let pixels = fixtures().join(format!("expected/{case}.safetensors"));
        let pixels = candle_core::safetensors::load(pixels, &Device::Cpu).unwrap().remove("pixels").unwrap();
        check_near(case, &image(&*encoder).dense(&pixels).unwrap(), expected);
    }
}

#[test]
fn places_of_any_picture_are_in_the_space_of_its_embedding() {
    for (case, patch) in [("clip_hf_quickgelu", 4), ("open_clip_resnet", 32), ("open_clip_timm", 4)] {
        let encoder = load(&Checkpoint::from_folder(fixtures().join("checkpoints").join(case))).unwrap();
        let picture = RgbImage::from_fn(60, 30, |x, y| image::Rgb([x as u8 * 4, y as u8 * 8, 90]));
        let features = encoder.dense_features(&picture, Some(patch * 4)).unwrap();
        assert_eq!(
            (features.layers, features.rows, features.columns, features.dim),
            (1, 2, 4, encoder.dim()),
            "{case}"
        );
        assert!(features.values.iter().all(|value| value.is_finite()));
    }
    let encoder = load(&Checkpoint::from_folder(fixtures().join("checkpoints/siglip_hf"))).unwrap();
    let refused = encoder.dense_features(&RgbImage::new(8, 8), None).unwrap_err().to_string();
    assert!(refused.contains("does not say where"), "{refused}");
}

/// The reference refuses grids of which a stage would keep nothing.
#[test]
fn a_convolutional_tower_gives_features_of_any_grid() {
    let encoder = load(&Checkpoint::from_folder(fixtures().join("checkpoints/open_clip_resnet"))).unwrap();
    for (width, height, rows, columns) in [(1, 1, 1, 1), (1, 5, 5, 1), (7, 3, 3, 7), (5, 5, 5, 5)] {
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8 * 30, y as u8 * 30, 90]));
        let features = encoder.patch_features(&picture, Some(8 * width.max(height) as usize)).unwrap();
        assert_eq!((features.layers, features.rows, features.columns), (1, rows, columns));
        assert_eq!(features.values.len(), rows * columns * features.dim);
        assert!(features.values.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn texts_and_their_embeddings_are_those_of_the_reference() {
    check_all(|case, _, encoder, expected| {
        let (Some(tokenizer), Some(tower)) = (encoder.tokenizer(), encoder.text_tower()) else {
            assert!(!expected.contains_key("text_ids"), "{case} has lost its text tower");
            return;
        };
        let texts = fs_err::read(fixtures().join(format!("expected/{case}.texts.json"))).unwrap();
        let texts: Vec<String> = serde_json::from_slice(&texts).unwrap();
        let rows: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.tokenize(text).unwrap().ids).collect();
        let expected_rows = expected["text_ids"].to_vec2::<i64>().unwrap();
        for ((text, row), expected) in texts.iter().zip(&rows).zip(&expected_rows) {
            let (beginning, padding) = expected.split_at(row.len());
            assert!(row.iter().map(|&id| i64::from(id)).eq(beginning.iter().copied()), "{case} {text:?}: {row:?}");
            assert!(padding.iter().all(|id| *id == padding[0]), "{case} {text:?} ends too early");
        }
        check_near(case, &tower.embed(&rows).unwrap(), &expected["text_embeddings"]);
    });
}

#[test]
fn clip_tokenises_two_hundred_strings_as_its_reference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = folder.join("assets/tokenizers/clip/tokenizer.json");
    let expected = fs_err::read(fixtures().join("expected/tokenisation.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let context = expected["length"].as_u64().unwrap() as usize;
    let tokenizer = TextTokenizer::from_json(&fs_err::read(&path).unwrap(), context, &path).unwrap();
    for case in expected["cases"].as_array().unwrap() {
        // The padding is also the end of the text, so where the text ends twice only padded rows can be compared.
        let padded = |mut ids: Vec<u32>| {
            ids.resize(context, expected["pad_id"].as_u64().unwrap() as u32);
            ids
        };
        let found = padded(tokenizer.tokenize(case["text"].as_str().unwrap()).unwrap().ids);
        assert_eq!(found, padded(serde_json::from_value(case["ids"].clone()).unwrap()), "{}", case["text"]);
    }
}

#[test]
fn prepared_pictures_are_those_of_the_reference() {
    let expected = fixtures().join("expected/preprocessing.safetensors");
    let expected = candle_core::safetensors::load(expected, &Device::Cpu).unwrap();
    let settings = fs_err::read(fixtures().join("expected/preprocessing.json")).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    let mut compared = 0;
    for (name, tensor) in expected.iter().filter(|(name, _)| name.ends_with(".u8")) {
        let (picture, processor) = name.trim_end_matches(".u8").split_once('.').unwrap();
        let preprocessing = preprocessing(processor, &settings[processor]);
        let (picture, is_exact) = picture_of(picture, &expected);
        let prepared = preprocessing.prepare(&picture).unwrap();
        check_bytes(name, &prepared, tensor, is_exact);
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} pictures were compared");
}

#[test]
fn normalised_pixels_are_those_of_the_reference() {
    let expected = fixtures().join("expected/preprocessing.safetensors");
    let expected = candle_core::safetensors::load(expected, &Device::Cpu).unwrap();
    for (processor, mean) in [("clip32", "openai"), ("siglip32", "half"), ("dinov2_40_32", "imagenet")] {
        let bytes = &expected[&format!("photo.{processor}.u8")];
        let settings = json!({"mode": "squash", "filter": "bicubic", "resize": 32, "mean": mean});
        let found = preprocessing(processor, &settings).pixels(&[rgb(bytes)]).unwrap();
        check_near(processor, &found.squeeze(0).unwrap(), &expected[&format!("photo.{processor}")]);
    }
}

/// The preprocessing that the settings describe, by way of the file that a checkpoint would have.
fn preprocessing(processor: &str, settings: &Value) -> Preprocessing {
    let (mean, std) = match settings["mean"].as_str().unwrap() {
        "openai" => (json!([0.48145466, 0.4578275, 0.40821073]), json!([0.26862954, 0.26130258, 0.27577711])),
        "imagenet" => (json!([0.485, 0.456, 0.406]), json!([0.229, 0.224, 0.225])),
        "half" => (json!([0.5, 0.5, 0.5]), json!([0.5, 0.5, 0.5])),
        other => panic!("{other}"),
    };
    let (edge, crop) = (&settings["resize"], &settings["crop"]);
    let path = Path::new(processor);
    if processor.starts_with("open_clip") {
        let config = json!({"mean": mean, "std": std, "resize_mode": settings["mode"], "size": edge,
            "interpolation": settings["filter"], "fill_color": 0});
        return Preprocessing::from_open_clip(&config, (32, 32), path).unwrap();
    }
    let mut config = json!({"image_mean": mean, "image_std": std, "resample": 3});
    match settings["mode"].as_str().unwrap() {
        "squash" => config["size"] = json!({"height": edge, "width": edge}),
        _ => {
            config["size"] = json!({"shortest_edge": edge});
            config["crop_size"] = json!({"height": crop, "width": crop});
        }
    }
    Preprocessing::from_hf(&config, path).unwrap()
}

/// A picture, and whether its pixels are those that the reference saw: two decoders of JPEG differ by some steps.
fn picture_of(name: &str, expected: &Tensors) -> (RgbImage, bool) {
    if let Some(pixels) = expected.get(&format!("{name}.rgb")) {
        return (rgb(pixels), true);
    }
    let folder = fixtures().join("preprocessing");
    let path =
        ["png", "jpg"].map(|ending| folder.join(format!("{name}.{ending}"))).into_iter().find(|path| path.exists());
    let path = path.unwrap();
    (image::open(&path).unwrap().into_rgb8(), path.extension().unwrap() == "png")
}

/// Planes of bytes [3, height, width] as a picture.
fn rgb(planes: &Tensor) -> RgbImage {
    let (_, height, width) = planes.dims3().unwrap();
    let bytes = planes.permute((1, 2, 0)).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    RgbImage::from_raw(width as u32, height as u32, bytes).unwrap()
}

#[track_caller]
fn check_bytes(what: &str, found: &RgbImage, expected: &Tensor, is_exact: bool) {
    let expected = rgb(expected);
    assert_eq!(found.dimensions(), expected.dimensions(), "{what}");
    let steps = found.as_raw().iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b));
    let most = steps.max().unwrap();
    assert!(most <= if is_exact { 1 } else { 4 }, "{what} differs by {most}/255");
}
