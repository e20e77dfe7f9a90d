//! What the window draws on the graphics card by itself. In: the card. Out: whether it can be drawn on.

use eframe::egui_wgpu::{RenderState, wgpu};

use super::{heatmap, points};

/// Prepares a window's graphics card. Without this neither heatmaps nor the map's points are drawn.
pub fn install(ctx: &egui::Context, render_state: &RenderState) {
    heatmap::install(render_state);
    points::install(render_state);
    ctx.data_mut(|data| data.insert_temp(installed(), true));
}

/// Whether they would be drawn.
pub fn is_installed(ctx: &egui::Context) -> bool {
    ctx.data(|data| data.get_temp(installed()).unwrap_or_default())
}

fn installed() -> egui::Id {
    egui::Id::unique("graphics-installed")
}

/// A strip of four corners with a shader of its own: its vertex stage is called `corner`.
pub(super) struct Strip<'a> {
    /// What it is called in the card's messages.
    pub label: &'a str,
    /// The shader.
    pub shader: wgpu::ShaderModuleDescriptor<'a>,
    /// The name of its fragment stage.
    pub fragment: &'a str,
    /// What it reads besides vertices.
    pub group: &'a wgpu::BindGroupLayout,
    /// What it reads for every vertex or instance.
    pub buffers: &'a [Option<wgpu::VertexBufferLayout<'a>>],
    /// The target; what is drawn is blended over it, premultiplied.
    pub format: wgpu::TextureFormat,
}

impl Strip<'_> {
    /// What draws it.
    pub fn pipeline(self, device: &wgpu::Device) -> wgpu::RenderPipeline {
        let Self { label, shader, fragment, group, buffers, format } = self;
        let shader = device.create_shader_module(shader);
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(label),
            bind_group_layouts: &[Some(group)],
            ..Default::default()
        });
        let blend = Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING);
        let target = wgpu::ColorTargetState { format, blend, write_mask: wgpu::ColorWrites::ALL };
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(label),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &shader,
                entry_point: Some("corner"),
                buffers,
                compilation_options: Default::default(),
            },
            primitive: wgpu::PrimitiveState { topology: wgpu::PrimitiveTopology::TriangleStrip, ..Default::default() },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &shader,
                entry_point: Some(fragment),
                targets: &[Some(target)],
                compilation_options: Default::default(),
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}

/// A few numbers that a shader reads, `bytes` long and written every frame.
pub(super) fn uniform_buffer(device: &wgpu::Device, label: &str, bytes: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}
