//! How fast pictures become vectors: decode and resize, embed, and all of it from a folder to a library; and what the cores
//! could do at most. In: n. Out: times;
//! `cargo test` runs each function once, small.
//!
//! `cargo bench -p sightline-core --bench pipeline`. ViT-B/32 is measured with random weights, written to the system's
//! temporary folder (350 MB): its speed does not depend on what it learned. ViT-B/16 and L/14 only where they are named
//! (`-- vit_l_14`), a whole folder too (`-- index/`).

mod indexing;
mod peak;
mod random_checkpoint;

use std::path::Path;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use image::{Rgb, RgbImage};
use indexing::{bench_index, photos};
use peak::bench_peak;
use random_checkpoint::Shape;
use sightline_core::Result;
use sightline_core::media::{Limits, decode_bytes};
use sightline_core::models::{Checkpoint, Encoder, load, starter};

/// A picture with large shapes and fine texture, as photos have.
fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let texture = (x.wrapping_mul(31) ^ y.wrapping_mul(17)) % 24;
        Rgb([x * 200 / width + texture, y * 200 / height + texture, (x / 64 + y / 64) % 2 * 150 + texture]
            .map(|v| v as u8))
    })
}

/// A JPEG of `side` × 3/4 `side` pixels: 4,000 is a photo of 12 megapixels.
fn bench_decode(criterion: &mut Criterion, encoder: &dyn Encoder, side: u32) -> Result<()> {
    let mut jpeg = Vec::new();
    let encoded = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90);
    photo(side, side * 3 / 4).write_with_encoder(encoded).map_err(std::io::Error::other)?;
    let bytes: Arc<[u8]> = jpeg.into();
    let prepared = || {
        let decoded = decode_bytes("photo.jpg".as_ref(), Arc::clone(&bytes), &Limits::default())?;
        encoder.prepare(&decoded.picture)
    };
    prepared()?;
    let mut group = criterion.benchmark_group("decode_and_resize");
    group.sample_size(10).throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new("jpeg", side), |b| b.iter(prepared));
    Ok(())
}

/// `n` pictures at once.
fn bench_embed(criterion: &mut Criterion, name: &str, encoder: &dyn Encoder, n: usize) -> Result<()> {
    let prepared = encoder.prepare(&photo(640, 480))?;
    let batch = vec![prepared; n];
    encoder.embed_pictures(&batch[..1])?;
    let mut group = criterion.benchmark_group(format!("embed/{name}"));
    group.sample_size(10).throughput(Throughput::Elements(n as u64));
    group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(|| encoder.embed_pictures(&batch)));
    Ok(())
}

/// The shapes that are measured, and whether only where an argument names them: they are large.
const SHAPES: [(&str, Shape, bool); 3] =
    [("vit_b_32", Shape::VIT_B_32, false), ("vit_b_16", Shape::VIT_B_16, true), ("vit_l_14", Shape::VIT_L_14, true)];

/// A shape with random weights, in 32 bits and in 8: pictures alone, and a folder of photos.
fn bench_shape(
    criterion: &mut Criterion,
    (name, shape): (&str, &Shape),
    batches: &[usize],
    photos: Option<&Path>,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    random_checkpoint::write(folder.path(), shape)?;
    let load = || load(&Checkpoint::from_folder(folder.path()));
    let (full, mut int8) = (load()?, load()?);
    int8.quantise()?;
    for n in batches {
        bench_embed(criterion, name, &*full, *n)?;
        bench_embed(criterion, &format!("{name}_int8"), &*int8, *n)?;
    }
    drop((full, int8));
    photos.map_or(Ok(()), |photos| bench_index(criterion, name, Some(folder.path()), photos))
}

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_measuring = arguments.iter().any(|argument| argument == "--bench");
    let (side, batches): (_, &[usize]) = if is_measuring { (4000, &[1, 8, 16, 32]) } else { (64, &[1, 2]) };
    bench_peak(&mut criterion, if is_measuring { 1_000_000 } else { 10 });
    let starter = load(&starter())?;
    bench_decode(&mut criterion, &*starter, side)?;
    for n in batches {
        bench_embed(&mut criterion, "starter", &*starter, *n)?;
    }
    let is_named = |name: &str| arguments.iter().any(|argument| argument.contains(name));
    let made = tempfile::tempdir()?;
    let photos = (!is_measuring || is_named("index")).then(|| photos(made.path(), side)).transpose()?;
    if let Some(photos) = &photos {
        bench_index(&mut criterion, "starter", None, photos)?;
    }
    let shapes: Vec<_> = match is_measuring {
        true => SHAPES.into_iter().filter(|(name, _, is_large)| !is_large || is_named(name)).collect(),
        false => vec![("tiny", Shape::TINY, false)],
    };
    for (name, shape, _) in shapes {
        bench_shape(&mut criterion, (name, &shape), batches, photos.as_deref())?;
    }
    criterion.final_summary();
    Ok(())
}
