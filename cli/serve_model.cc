// `redraft serve-model`: the embedded model as a server for other tools.
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "app/model_server.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "redraft/registry.h"

namespace redraft {
namespace {

struct ServeFlags {
  std::string model = "embedded";
  std::vector<std::string> set;
  std::optional<std::string> encoding;
  int port = 8088;
  bool strict = false;
};

Status serve(const ServeFlags& flags) {
  ModelSpec spec{flags.model, Json::object(), ".", flags.strict};
  spec.joins = true;
  REDRAFT_RETURN_IF_ERROR(add_settings(spec.settings, flags.set));
  if (flags.encoding) spec.settings["encoding"] = *flags.encoding;
  spec.tell = [](const std::string& remark) { say(remark); };
  Loop loop;
  REDRAFT_TRY(const std::unique_ptr<Model> model, make_model(loop, spec));
  REDRAFT_TRY(const std::unique_ptr<ModelServer> server, ModelServer::make(loop, *model, flags.port));
  Interrupt interrupt(loop, "requests in flight are answered with status 503");
  print(fmt::format("http://127.0.0.1:{}/v1\n", server->port()));
  std::fflush(stdout);
  say(fmt::format("{} answers there; Ctrl-C ends it", model->id()));
  server->run(interrupt.token());
  return {};
}

int serve_verb(ServeFlags& flags) {
  const Status status = serve(flags);
  return status.ok() ? kDone : fail(status);
}

}  // namespace

void add_serve_model(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App& verb = add_verb(app, "serve-model", "Serve the embedded model to other tools, on this machine's loopback",
                            "redraft serve-model --port 8088", flags, serve_verb, chosen);
  verb.add_option("MODEL", flags->model, "embedded (the default), embedded:NAME, a path that ends in .gguf");
  verb.add_option("--port", flags->port, "port to listen on (0 = any that is free; it is printed)")
      ->check(CLI::Range(0, 65535));
  verb.add_option("--set", flags->set, "KEY=VALUE: a setting of the model, such as threads=2")->allow_extra_args(false);
  add_encoding(verb, flags->encoding);
  verb.add_flag("--strict", flags->strict, "bits that depend on a request's tokens only");
}

}  // namespace redraft
