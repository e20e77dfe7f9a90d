//! NumPy files: f32, C order. In: numbers and a shape. Out: a file, whole or not at all.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use npyz::WriterBuilder as _;

/// Writes `values` of the given `shape` to `path` through a neighbour that is renamed when complete.
///
/// # Errors
/// A name that does not end in .npy, a folder that cannot be written to, or a full disk.
pub fn write(path: &Path, shape: &[usize], values: &[f32]) -> Result<()> {
    // A slip of the order of arguments must not replace a photo.
    if path.extension().is_none_or(|extension| extension != "npy") {
        bail!("the output must be called something.npy, so that no photo is replaced: {}", path.display());
    }
    let beside = path.with_extension("npy.part");
    let written = write_whole(&beside, shape, values).and_then(|()| Ok(fs_err::rename(&beside, path)?));
    if written.is_err() {
        // Half a file is of no use; that it cannot be removed either is not the error to report.
        fs_err::remove_file(&beside).ok();
    }
    written.with_context(|| format!("could not write {}; check the folder and the free space", path.display()))
}

fn write_whole(path: &Path, shape: &[usize], values: &[f32]) -> Result<()> {
    let shape: Vec<u64> = shape.iter().map(|side| *side as u64).collect();
    let mut file = std::io::BufWriter::new(fs_err::File::create(path)?);
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut file).begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    file.flush()?;
    Ok(())
}
