//! What the kernel keeps the engine from, whatever a statement makes ClickHouse try: other folders, programs and
//! connections. Grants and settings are the first line of defence; this one also holds against a fault in ClickHouse.

use std::path::Path;

/// Confines this thread, and every thread it will start, to `folder`: other files cannot be opened, but for the few of the
/// system that ClickHouse reads; no program can be run and no connection opened. Gives what the kernel does not do.
#[cfg(target_os = "linux")]
pub(super) fn confine(folder: &Path, library: &Path) -> Vec<String> {
    let files = match linux::files(folder, library) {
        Ok(true) => None,
        Ok(false) => Some("files outside its folder: the kernel has no Landlock".to_owned()),
        Err(error) => Some(format!("files outside its folder: {error}")),
    };
    let calls = linux::calls().err().map(|error| format!("programs and connections: {error}"));
    files.into_iter().chain(calls).collect()
}

/// Other systems have other means, which are not used.
#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_folder: &Path, _library: &Path) -> Vec<String> {
    vec!["files outside its folder, programs and connections".to_owned()]
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetError, RulesetStatus, path_beneath_rules,
    };
    use seccompiler::{
        BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };

    /// Landlock: which files may be opened. Gives whether the kernel has it.
    pub(super) fn files(folder: &Path, library: &Path) -> Result<bool, RulesetError> {
        let all = AccessFs::from_all(WANTED);
        let read = AccessFs::from_read(WANTED) & !AccessFs::Execute;
        let devices = AccessFs::ReadFile | AccessFs::WriteFile;
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            .create()?
            .add_rules(path_beneath_rules([folder], all & !AccessFs::Execute))?
            .add_rules(path_beneath_rules(READ, read))?
            .add_rules(path_beneath_rules([library], AccessFs::ReadFile | AccessFs::Execute))?
            .add_rules(path_beneath_rules(DEVICES, devices))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }

    /// Seccomp: which calls of the kernel are refused.
    pub(super) fn calls() -> Result<(), Error> {
        // `send` is `sendto` without an address.
        let with_address = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
        let refused = [
            (libc::SYS_execve, Vec::new()),
            (libc::SYS_execveat, Vec::new()),
            (libc::SYS_connect, Vec::new()),
            (libc::SYS_sendto, vec![SeccompRule::new(vec![with_address])?]),
            (libc::SYS_sendmsg, Vec::new()),
            (libc::SYS_sendmmsg, Vec::new()),
            // It would do the same things without the calls.
            (libc::SYS_io_uring_setup, Vec::new()),
            (libc::SYS_ptrace, Vec::new()),
            (libc::SYS_process_vm_readv, Vec::new()),
            (libc::SYS_process_vm_writev, Vec::new()),
        ];
        let filter = SeccompFilter::new(
            refused.into_iter().collect(),
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM.unsigned_abs()),
            std::env::consts::ARCH.try_into()?,
        )?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)
    }

    /// The rights that are asked for; an older kernel knows fewer.
    const WANTED: ABI = ABI::V5;
    /// ClickHouse measures itself, memory and processors, and keeps to the limits of its control group. Other processes'
    /// folders of `/proc` have their environments in them.
    const READ: [&str; 10] = [
        "/proc/cpuinfo",
        "/proc/loadavg",
        "/proc/meminfo",
        "/proc/self",
        "/proc/stat",
        "/proc/sys",
        "/proc/uptime",
        "/proc/vmstat",
        "/sys/devices/system",
        "/sys/fs/cgroup",
    ];
    const DEVICES: [&str; 4] = ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];
}
