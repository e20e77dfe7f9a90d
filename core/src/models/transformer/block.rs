//! One block of a transformer. In: a residual stream, and room to compute in. Out: the stream after the block, in place. Must
//! never know pixels or words.

use rayon::prelude::*;

use super::{MlpKind, Size};
use crate::error::Result;
use crate::models::attention::Attention;
use crate::models::awake::is_awake;
use crate::models::dense::{Affine, Dense};
use crate::models::norm::Norm;
use crate::models::ops::gated;
use crate::models::products::Held;
use crate::models::weights::Scope;

/// Attention and an MLP, each behind its norm.
pub struct Block {
    pub before_attention: Norm,
    pub qkv: Dense,
    pub out: Dense,
    pub before_mlp: Norm,
    pub up: Dense,
    pub down: Dense,
}

/// Rows at least of a part that one thread takes through products and norms: its weights are read once for each part.
const PART: usize = 96;

/// Where what a block computes is written, one block after the other, `[n * tokens, …]` each: made anew for each, it would
/// be cleared each time, by one core while the others wait.
pub struct Room {
    n: usize,
    tokens: usize,
    /// Rows that go through products and norms together.
    part: usize,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    mixed: Vec<f32>,
    inner: Vec<f32>,
}

impl Room {
    /// For a stream `[n, tokens, width]` through blocks like this one.
    pub fn new([n, tokens, width]: [usize; 3], size: &Size, block: &Block) -> Self {
        let rows = n * tokens;
        // Where somebody waits for few rows, each thread keeps its own from one product to the next: to hand them over
        // would take longer than reading the weights twice, as long as these are small.
        let parts = match is_awake() && block.qkv.is_quantised() {
            true => (rows / PART).clamp(1, rayon::current_num_threads()),
            false => 1,
        };
        let zeros = |width: usize| vec![0.0; rows * width];
        let part = rows.div_ceil(parts).max(1);
        let (normed, qkv, mixed, inner) = (zeros(width), zeros(3 * width), zeros(width), zeros(size.up_width()));
        Self { n, tokens, part, normed, qkv, mixed, inner }
    }
}

impl Block {
    pub fn load(size: &Size, block: &Scope<'_>) -> Result<Self> {
        let &Size { width, inner, .. } = size;
        let branch = |name: &str, inputs: usize, scale: &str| -> Result<Dense> {
            if !size.has_layer_scale {
                return Dense::load(&block.at(name), inputs, width);
            }
            let plain = Affine::load(&block.at(name), inputs, width, &[])?;
            Ok(plain.scaled(&block.get(scale, &[width])?)?.dense()?)
        };
        let norm = |name: &str| -> Result<Norm> {
            let numbers = |part: &str| -> Result<Vec<f32>> { Ok(block.at(name).get(part, &[width])?.to_vec1()?) };
            Ok(Norm { scale: numbers("weight")?, shift: numbers("bias")?, epsilon: size.epsilon as f32 })
        };
        Ok(Self {
            before_attention: norm("ln_1")?,
            qkv: qkv(block, width, size.has_qkv_bias)?,
            out: branch("out", width, "scale_1")?,
            before_mlp: norm("ln_2")?,
            up: Dense::load(&block.at("up"), width, size.up_width())?,
            down: branch("down", inner, "scale_2")?,
        })
    }

    /// `stream` `[n * tokens, width]`, in place.
    pub fn forward(&self, stream: &mut [f32], size: &Size, room: &mut Room) {
        self.ask(stream, size, room);
        size.attention().run(&room.qkv, &mut room.mixed, [room.n, room.tokens, size.width]);
        self.answer(stream, size, room);
    }

    /// The first token of each picture, `first` `[n, width]`, for which alone is computed what comes after the keys and
    /// values of all of `stream`.
    pub fn forward_first(&self, first: &mut [f32], stream: &[f32], size: &Size, room: &mut Room) {
        self.ask(stream, size, room);
        let attention = Attention { is_causal: false, ..size.attention() };
        attention.run(&room.qkv, &mut room.mixed[..first.len()], [room.n, 1, size.width]);
        self.answer(first, size, room);
    }

    /// The same, with each token's own value in place of attention.
    pub fn forward_values(&self, stream: &mut [f32], size: &Size, room: &mut Room) {
        self.ask(stream, size, room);
        let width = size.width;
        for (mixed, qkv) in room.mixed.chunks_exact_mut(width).zip(room.qkv.chunks_exact(3 * width)) {
            mixed.copy_from_slice(&qkv[2 * width..]);
        }
        self.answer(stream, size, room);
    }

    /// Adds to `path` what the values of `stream` give that look for their like among themselves.
    pub fn add_values(&self, path: &mut [f32], stream: &[f32], size: &Size, room: &mut Room) {
        self.ask(stream, size, room);
        let width = size.width;
        for row in room.qkv.chunks_exact_mut(3 * width) {
            row.copy_within(2 * width.., 0);
            row.copy_within(2 * width.., width);
        }
        let attention = Attention { is_causal: false, ..size.attention() };
        attention.run(&room.qkv, &mut room.mixed, [room.n, room.tokens, width]);
        self.out.run(&room.mixed, path, Held::AddedTo, None);
    }

    /// The queries, keys and values of the stream, into the room.
    fn ask(&self, stream: &[f32], size: &Size, room: &mut Room) {
        let part = room.part * size.width;
        let places = room.normed.par_chunks_mut(part).zip(room.qkv.par_chunks_mut(3 * part));
        stream.par_chunks(part).zip(places).for_each(|(stream, (normed, qkv))| {
            self.before_attention.run(stream, normed);
            self.qkv.run(normed, qkv, Held::Replaced, None);
        });
    }

    /// Adds to the stream what attention found, then what the MLP makes of it.
    fn answer(&self, stream: &mut [f32], size: &Size, room: &mut Room) {
        let (len, part) = (stream.len(), room.part * size.width);
        let inner = size.up_width() * room.part;
        let places = room.normed[..len].par_chunks_mut(part).zip(room.mixed[..len].par_chunks(part));
        let places = places.zip(room.inner[..len / size.width * size.up_width()].par_chunks_mut(inner));
        stream.par_chunks_mut(part).zip(places).for_each(|(stream, ((normed, mixed), inner))| {
            self.out.run(mixed, stream, Held::AddedTo, None);
            self.before_mlp.run(stream, normed);
            self.think(normed, inner, stream, size);
        });
    }

    /// The MLP of `normed`, added to the stream.
    fn think(&self, normed: &[f32], inner: &mut [f32], stream: &mut [f32], size: &Size) {
        match size.mlp {
            MlpKind::Plain(activation) => {
                self.up.run(normed, inner, Held::Replaced, Some(activation));
                self.down.run(inner, stream, Held::AddedTo, None);
            }
            MlpKind::SwiGlu => {
                self.up.run(normed, inner, Held::Replaced, None);
                self.down.run(&gated(inner, size.inner), stream, Held::AddedTo, None);
            }
        }
    }
}

/// The product for queries, keys and values at once, from one tensor (`qkv`) or from three (`q`, `k`, `v`).
fn qkv(block: &Scope<'_>, width: usize, has_bias: bool) -> Result<Dense> {
    if block.has("qkv.weight") {
        return Dense::load_joined(&[block.at("qkv")], width, 3 * width, has_bias);
    }
    Dense::load_joined(&["q", "k", "v"].map(|part| block.at(part)), width, width, has_bias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::awake::awake;
    use crate::models::ops::Activation;
    use crate::models::testing::random;

    fn size(mlp: MlpKind) -> Size {
        Size {
            width: 64,
            depth: 1,
            heads: 2,
            inner: 128,
            mlp,
            epsilon: 1e-5,
            has_layer_scale: false,
            has_qkv_bias: true,
            is_causal: false,
        }
    }

    fn block(size: &Size) -> Block {
        let dense =
            |inputs: usize, outputs: usize| Dense::new(&random(&[outputs, inputs]), &random(&[outputs])).unwrap();
        let norm = || Norm { scale: numbers(&[size.width]), shift: numbers(&[size.width]), epsilon: 1e-5 };
        Block {
            before_attention: norm(),
            qkv: dense(size.width, 3 * size.width),
            out: dense(size.width, size.width),
            before_mlp: norm(),
            up: dense(size.width, size.up_width()),
            down: dense(size.inner, size.width),
        }
    }

    fn numbers(shape: &[usize]) -> Vec<f32> {
        random(shape).flatten_all().unwrap().to_vec1().unwrap()
    }

    /// What the block makes of a stream `[2, 9, width]` if so many rows go through its products together.
    fn by_parts(block: &Block, size: &Size, stream: &[f32], part: usize) -> [Vec<f32>; 3] {
        let shape = [2, 9, size.width];
        let room = || Room { part, ..Room::new(shape, size, block) };
        let (mut all, mut values, mut first) = (stream.to_vec(), stream.to_vec(), Vec::new());
        block.forward(&mut all, size, &mut room());
        block.forward_values(&mut values, size, &mut room());
        stream.chunks(9 * size.width).for_each(|picture| first.extend_from_slice(&picture[..size.width]));
        block.forward_first(&mut first, stream, size, &mut room());
        [all, values, first]
    }

    #[test]
    fn rows_that_go_together_change_nothing() {
        for mlp in [MlpKind::Plain(Activation::Gelu), MlpKind::SwiGlu] {
            let size = size(mlp);
            let mut block = block(&size);
            let stream = numbers(&[2 * 9, size.width]);
            check_parts(&block, &size, &stream);
            for dense in [&mut block.qkv, &mut block.out, &mut block.up, &mut block.down] {
                dense.quantise().unwrap();
            }
            check_parts(&block, &size, &stream);
        }
    }

    #[track_caller]
    fn check_parts(block: &Block, size: &Size, stream: &[f32]) {
        let expected = by_parts(block, size, stream, 18).concat();
        for part in [1, 4, 7, 17] {
            check_near(&by_parts(block, size, stream, part).concat(), &expected);
        }
    }

    #[track_caller]
    fn check_near(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3 * expected.abs().max(1.0), "{found} for {expected}");
        }
    }

    #[test]
    fn the_first_token_is_that_of_the_whole_stream() {
        let size = size(MlpKind::Plain(Activation::QuickGelu));
        let block = block(&size);
        let [all, _, first] = by_parts(&block, &size, &numbers(&[2 * 9, size.width]), 18);
        for (picture, first) in all.chunks(9 * size.width).zip(first.chunks(size.width)) {
            check_near(first, &picture[..size.width]);
        }
    }

    #[test]
    fn only_few_rows_in_8_bits_that_are_waited_for_are_shared_between_threads() {
        let size = size(MlpKind::SwiGlu);
        let mut block = block(&size);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let part = |block: &Block, tokens: usize| Room::new([1, tokens, size.width], &size, block).part;
        assert_eq!(pool.install(|| awake(|| part(&block, 200))), 200);
        block.qkv.quantise().unwrap();
        assert_eq!(pool.install(|| awake(|| part(&block, 200))), 100);
        assert_eq!(pool.install(|| awake(|| part(&block, 2 * PART - 1))), 2 * PART - 1);
        assert_eq!(pool.install(|| part(&block, 200)), 200);
    }
}
