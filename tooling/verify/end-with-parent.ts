// Loaded before a program that is started with a channel: it ends when who started it is gone, however that went.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
