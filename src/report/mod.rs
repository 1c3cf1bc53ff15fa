//! stub
pub fn checklist(_p: &crate::playbook::plan::Plan) -> String {
    String::new()
}
pub fn record(_p: &crate::playbook::plan::Plan, _r: &crate::engine::Run, _h: &str) -> String {
    String::new()
}
