use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = runsheet::exec::child_main() {
        return code;
    }
    ExitCode::SUCCESS
}
