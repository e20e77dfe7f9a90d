//! A map of scores on the graphics card. In: raw scores, the product's colour scale, how they are drawn. Out: a shape over
//! the picture. Scores are uploaded once a part; all that sliders change is a few numbers a frame.

use std::sync::{Arc, Weak};

use bytemuck::{Pod, Zeroable};
use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};
use egui::{PaintCallbackInfo, Rect, Shape};

use super::colour_table::{STEPS, TABLES, Table, texels};
use super::graphics::{Strip, uniform_buffer};
use super::state::HeatTexels;

/// What a map looks like in this frame.
#[derive(Debug, Clone, Copy)]
pub struct HeatLook {
    /// The scores at the two ends of the colours: fixed for the product.
    pub scale: [f32; 2],
    /// Lower scores are not seen.
    pub floor: f32,
    /// How much of the picture it hides, 0 to 1.
    pub opacity: f32,
    /// Its colours.
    pub table: Table,
}

/// The map over `picture`, a picture's place on the screen, as far as it lies in `room`. Nothing where they do not meet.
pub fn shape(
    texels: &Arc<HeatTexels>,
    look: HeatLook,
    (picture, room): (Rect, Rect),
    pixels_per_point: f32,
) -> Option<Shape> {
    let seen = picture.intersect(room);
    if !seen.is_positive() {
        return None;
    }
    let place = |at: egui::Pos2| (at - picture.min) / picture.size();
    let (first, last) = (place(seen.min), place(seen.max));
    let table = TABLES.iter().position(|(table, _)| *table == look.table).unwrap_or(0);
    let uniforms = Uniforms {
        seen: [first.x, first.y, last.x, last.y],
        scale: look.scale,
        lowest: look.floor,
        opacity: look.opacity,
        table: table as u32,
        is_linear: 0,
        is_enlarged: u32::from(picture.width() * pixels_per_point > 1.5 * texels.width as f32),
        unused: 0,
    };
    let heat = Heat { texels: Arc::clone(texels), uniforms };
    Some(Shape::Callback(egui_wgpu::Callback::new_paint_callback(seen, heat)))
}

/// As in heatmap.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Uniforms {
    seen: [f32; 4],
    scale: [f32; 2],
    lowest: f32,
    opacity: f32,
    table: u32,
    is_linear: u32,
    is_enlarged: u32,
    unused: u32,
}

struct Heat {
    texels: Arc<HeatTexels>,
    uniforms: Uniforms,
}

/// What the graphics card keeps. One map is shown at a time.
struct Kept {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    uniforms: wgpu::Buffer,
    colours: wgpu::TextureView,
    is_linear: bool,
    map: Option<(Weak<HeatTexels>, wgpu::BindGroup)>,
}

/// Prepares a window's graphics card.
pub(super) fn install(render_state: &RenderState) {
    let kept = Kept::new(&render_state.device, &render_state.queue, render_state.target_format);
    render_state.renderer.write().callback_resources.insert(kept);
}

impl CallbackTrait for Heat {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(kept) = resources.get_mut::<Kept>() else { return Vec::new() };
        let uniforms = Uniforms { is_linear: u32::from(kept.is_linear), ..self.uniforms };
        queue.write_buffer(&kept.uniforms, 0, bytemuck::bytes_of(&uniforms));
        let is_there = kept.map.as_ref().is_some_and(|(texels, _)| texels.as_ptr() == Arc::as_ptr(&self.texels));
        if !is_there {
            let scores = kept.scores(device, queue, &self.texels);
            kept.map = Some((Arc::downgrade(&self.texels), kept.group(device, &scores)));
        }
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(kept) = resources.get::<Kept>() else { return };
        let Some((_, group)) = &kept.map else { return };
        pass.set_pipeline(&kept.pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.draw(0..4, 0..1);
    }
}

impl Kept {
    fn new(device: &wgpu::Device, queue: &wgpu::Queue, format: wgpu::TextureFormat) -> Self {
        let layout = layout(device);
        let uniforms = uniform_buffer(device, "heatmap", size_of::<Uniforms>());
        let size = (STEPS as u32, TABLES.len() as u32);
        let colours = uploaded((device, queue), wgpu::TextureFormat::Rgba8Unorm, size, &texels());
        let pipeline = pipeline(device, &layout, format);
        Self { pipeline, layout, uniforms, colours, is_linear: format.is_srgb(), map: None }
    }

    fn scores(&self, device: &wgpu::Device, queue: &wgpu::Queue, map: &HeatTexels) -> wgpu::TextureView {
        let bytes = bytemuck::cast_slice(&map.values);
        uploaded((device, queue), wgpu::TextureFormat::R32Float, (map.width, map.height), bytes)
    }

    fn group(&self, device: &wgpu::Device, scores: &wgpu::TextureView) -> wgpu::BindGroup {
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("heatmap"),
            layout: &self.layout,
            entries: &[
                entry(0, self.uniforms.as_entire_binding()),
                entry(1, wgpu::BindingResource::TextureView(scores)),
                entry(2, wgpu::BindingResource::TextureView(&self.colours)),
            ],
        })
    }
}

/// A texture of these bytes, row by row; each pixel has four.
fn uploaded(
    (device, queue): (&wgpu::Device, &wgpu::Queue),
    format: wgpu::TextureFormat,
    (width, height): (u32, u32),
    bytes: &[u8],
) -> wgpu::TextureView {
    let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("heatmap"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * width), rows_per_image: None };
    queue.write_texture(texture.as_image_copy(), bytes, layout, size);
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    // Read pixel by pixel, not through a sampler: cards need not filter R32Float.
    let texture = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: false },
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let uniforms = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let visibility = wgpu::ShaderStages::VERTEX_FRAGMENT;
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("heatmap"),
        entries: &[entry(0, uniforms), entry(1, texture), entry(2, texture)],
    })
}

fn pipeline(device: &wgpu::Device, group: &wgpu::BindGroupLayout, format: wgpu::TextureFormat) -> wgpu::RenderPipeline {
    let shader = wgpu::include_wgsl!("heatmap.wgsl");
    let strip = Strip { label: "heatmap", shader, fragment: "heat", group, buffers: &[], format };
    strip.pipeline(device)
}
