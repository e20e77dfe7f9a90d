//! Which graphics adapter the window would draw with: for the doctor. Opens no window.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use eframe::wgpu;
use sightline_core::engine::{Finding, Severity};

/// The adapter that the window would use, or what to install.
pub fn adapter_finding() -> Finding {
    let (severity, text) = match adapter() {
        Some(info) => (Severity::Good, format!("{} ({:?}, {})", info.name, info.backend, kind(info.device_type))),
        None => (
            Severity::Notice,
            "no adapter; the window cannot open here, the command line works without one; install a Vulkan or OpenGL \
             driver (Mesa's software driver is enough)"
                .to_owned(),
        ),
    };
    Finding { subject: "graphics", severity, text }
}

fn adapter() -> Option<wgpu::AdapterInfo> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let request = pin!(instance.request_adapter(&wgpu::RequestAdapterOptions::default()));
    // Outside a browser the adapter is there at once: nothing would wake a waiting future.
    match request.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(adapter) => adapter.ok().map(|adapter| adapter.get_info()),
        Poll::Pending => None,
    }
}

fn kind(device: wgpu::DeviceType) -> &'static str {
    match device {
        wgpu::DeviceType::Cpu => "software: slower, and enough",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::DiscreteGpu => "a graphics card",
        _ => "virtual or unknown",
    }
}
