//! Chinese-CLIP (Yang et al. 2022): CLIP's picture tower and a BERT that reads Chinese. In: transformers' config.json,
//! weights and vocab.txt. Out: an encoder of our Vision Transformer and candle-transformers' text tower. Must never know
//! how pictures were decoded.

use candle_core::{Device, Module, Tensor};
use candle_nn::Linear;
use candle_transformers::models::chinese_clip::Activation;
use candle_transformers::models::chinese_clip::text_model::{
    ChineseClipTextConfig, ChineseClipTextTransformer, PositionEmbeddingType,
};
use serde_json::{Map, Value, json};

use super::checkpoint::HF_WEIGHTS;
use super::clip::{hf_activation, whole_patches};
use super::names::{HF_CLIP, canonical};
use super::position::Resampling;
use super::tokenizer::TextTokenizer;
use super::towers::{TextTower, Towers};
use super::transformer::Size;
use super::vit::{Vit, VitConfig};
use super::{Checkpoint, Encoder, Family};
use crate::error::{Error, Result};

const CONFIG: &str = "config.json";
const VOCABULARY: &str = "vocab.txt";
const REMEDY: &str = "download the model again, with all its files";
/// What fills short rows; the tower is told not to look at it.
const PAD: &str = "[PAD]";

/// Chinese-CLIP in transformers' layout.
pub(super) struct ChineseClip;

impl Family for ChineseClip {
    fn name(&self) -> &'static str {
        "chinese_clip"
    }

    fn recognises(&self, checkpoint: &Checkpoint) -> bool {
        checkpoint.model_type().as_deref() == Some("chinese_clip")
    }

    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
        let config: Value = checkpoint.needed_json(CONFIG)?;
        let section = |name: &str| Keys { section: config.get(name).unwrap_or(&Value::Null), checkpoint };
        // 512 is transformers' default.
        let dim = Keys { section: &config, checkpoint }.number("projection_dim", 512)?;
        let vision = vision_config(&section("vision_config"), dim)?;
        let text = text_config(&section("text_config"))?;
        let weights = checkpoint.weights(HF_WEIGHTS)?;
        let identity = checkpoint.identity(&weights)?;
        let tokenizer = tokenizer(checkpoint, text.max_position_embeddings)?;
        let pad_id = tokenizer.id(PAD).ok_or_else(|| lacks_token(checkpoint, PAD))?;
        // The names of BERT, which candle wants, are left as they are by these rules.
        let weights = weights.renamed(|name| canonical(name, HF_CLIP))?;
        let image = Vit::load(vision, &weights.at("visual"))?;
        let text = Text {
            tower: weights.build(|source| ChineseClipTextTransformer::new(source.pp("text_model"), &text))?,
            projection: weights.at("text.projection").projection(text.hidden_size, dim)?,
            pad_id,
        };
        weights.finish()?;
        let preprocessing = checkpoint.hf_preprocessing()?;
        Ok(Box::new(Towers {
            identity,
            preprocessing,
            image: Box::new(image),
            text: Some((tokenizer, Box::new(text))),
        }))
    }
}

/// One section of config.json. A key that the file leaves out has transformers' default: its files name only what
/// differs from them.
struct Keys<'a> {
    section: &'a Value,
    checkpoint: &'a Checkpoint,
}

impl Keys<'_> {
    fn number(&self, key: &str, default: usize) -> Result<usize> {
        let number = |value: &Value| value.as_u64().filter(|number| (1..1 << 24).contains(number));
        let Some(value) = self.section.get(key) else { return Ok(default) };
        number(value).map(|number| number as usize).ok_or_else(|| self.wrong(key, value))
    }

    fn epsilon(&self, default: f64) -> Result<f64> {
        let key = "layer_norm_eps";
        let Some(value) = self.section.get(key) else { return Ok(default) };
        value.as_f64().ok_or_else(|| self.wrong(key, value))
    }

    /// candle panics at an activation that it does not know: only those that it does get to it.
    fn activation(&self, default: Activation) -> Result<Activation> {
        let key = "hidden_act";
        let Some(value) = self.section.get(key) else { return Ok(default) };
        match value.as_str() {
            Some("quick_gelu") => Ok(Activation::QuickGelu),
            Some("gelu") => Ok(Activation::Gelu),
            Some("gelu_new" | "gelu_pytorch_tanh") => Ok(Activation::GeluNew),
            Some("relu") => Ok(Activation::Relu),
            _ => Err(self.wrong(key, value)),
        }
    }

    fn wrong(&self, key: &str, value: &Value) -> Error {
        Error::bad_file(&self.checkpoint.file(CONFIG), format!("{key:?} cannot be {value}"), REMEDY)
    }
}

/// CLIP's tower; the defaults are those of transformers' ChineseCLIPVisionConfig.
fn vision_config(keys: &Keys<'_>, dim: usize) -> Result<VitConfig> {
    let activation = keys.section.get("hidden_act").and_then(Value::as_str).unwrap_or("quick_gelu");
    let size = Size {
        width: keys.number("hidden_size", 768)?,
        depth: keys.number("num_hidden_layers", 12)?,
        heads: keys.number("num_attention_heads", 12)?,
        inner: keys.number("intermediate_size", 3072)?,
        mlp: hf_activation(keys.checkpoint, activation)?,
        epsilon: keys.epsilon(1e-5)?,
        has_layer_scale: false,
        has_qkv_bias: true,
        is_causal: false,
    };
    let (image_size, patch) = (keys.number("image_size", 224)?, keys.number("patch_size", 32)?);
    let side = whole_patches(keys.checkpoint, image_size, patch)?;
    Ok(VitConfig {
        size,
        patch,
        grid: (side, side),
        has_patch_bias: false,
        registers: 0,
        has_class_position: true,
        has_ln_pre: true,
        projection: Some(dim),
        resampling: Resampling::Plain,
        normalises_patches: false,
    })
}

fn text_config(keys: &Keys<'_>) -> Result<ChineseClipTextConfig> {
    let default = ChineseClipTextConfig::default();
    Ok(ChineseClipTextConfig {
        vocab_size: keys.number("vocab_size", default.vocab_size)?,
        hidden_size: keys.number("hidden_size", default.hidden_size)?,
        num_hidden_layers: keys.number("num_hidden_layers", default.num_hidden_layers)?,
        num_attention_heads: keys.number("num_attention_heads", default.num_attention_heads)?,
        intermediate_size: keys.number("intermediate_size", default.intermediate_size)?,
        hidden_act: keys.activation(default.hidden_act)?,
        max_position_embeddings: keys.number("max_position_embeddings", default.max_position_embeddings)?,
        type_vocab_size: keys.number("type_vocab_size", default.type_vocab_size)?,
        layer_norm_eps: keys.epsilon(default.layer_norm_eps)?,
        position_embedding_type: PositionEmbeddingType::Absolute,
        ..default
    })
}

/// BERT's tokenizer from vocab.txt, one token a line: the hub's Chinese-CLIP has no tokenizer.json. Text is lower-cased
/// and Chinese characters stand alone, as transformers' BertTokenizerFast does it.
fn tokenizer(checkpoint: &Checkpoint, context: usize) -> Result<TextTokenizer> {
    if checkpoint.has("tokenizer.json") {
        return checkpoint.tokenizer(context);
    }
    let path = checkpoint.file(VOCABULARY);
    let refused = |what: &str| Error::bad_file(&path, what, REMEDY);
    let bytes = checkpoint.needed(VOCABULARY)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refused("the vocabulary is no text"))?;
    let vocabulary: Map<String, Value> = text.lines().zip(0..).map(|(token, id)| (token.into(), json!(id))).collect();
    let special = |token: &str| vocabulary.get(token).cloned().ok_or_else(|| lacks_token(checkpoint, token));
    let (start, end) = (special("[CLS]")?, special("[SEP]")?);
    let json = json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", end], "cls": ["[CLS]", start]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    });
    TextTokenizer::from_json(json.to_string().as_bytes(), context, &path)
}

fn lacks_token(checkpoint: &Checkpoint, token: &str) -> Error {
    Error::bad_file(&checkpoint.file(VOCABULARY), format!("the vocabulary lacks {token}"), REMEDY)
}

struct Text {
    tower: ChineseClipTextTransformer,
    projection: Linear,
    pad_id: u32,
}

impl TextTower for Text {
    /// Rows are filled to the longest; the mask keeps what fills them out of every sum.
    fn embed(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let filled = |row: &Vec<u32>| row.iter().copied().chain(std::iter::repeat(self.pad_id)).take(longest).collect();
        let ids = rows.iter().map(filled).collect::<Vec<Vec<u32>>>().concat();
        let mask = ids.iter().map(|&id| u32::from(id != self.pad_id)).collect();
        let tensor = |numbers: Vec<u32>| Tensor::from_vec(numbers, (rows.len(), longest), &Device::Cpu);
        let pooled = self.tower.forward(&tensor(ids)?, None, Some(&tensor(mask)?))?.contiguous()?;
        Ok(self.projection.forward(&pooled)?)
    }
}
