#include "cli/grpc_calling.h"

#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/called_instance.h"
#include "cli/called_method.h"
#include "cli/flags.h"
#include "cli/message_json.h"
#include "cli/raw_grpc_call.h"
#include "cli/server_reflection.h"
#include "cli/until_stopped.h"

namespace scoutlight::cli {
namespace {

using google::protobuf::MethodDescriptor;

constexpr int kIndent = 2;

// A call that goes on until its server, a signal or its reader ends it; the last two are success.
absl::Status StreamUntilStopped(const std::string& request, const std::function<absl::Status(const std::string&)>& show,
                                RawGrpcCall* call) {
  const absl::StatusOr<std::unique_ptr<UntilStopped>> made = UntilStopped::Create();
  if (!made.ok()) return made.status();
  UntilStopped& until = **made;
  std::thread reader([&] { until.End(call->Stream(request, show)); });
  std::optional<absl::Status> over;
  while (!over.has_value()) over = until.Wait(absl::InfiniteDuration());
  call->Cancel();
  reader.join();
  return *over;
}

// gRPC says of a deadline only that it has passed; a part of the time was the reflection's.
absl::Status Told(const absl::Status& failed, absl::Time deadline, absl::Duration timeout) {
  if (!absl::IsDeadlineExceeded(failed) || Clock::System().Now() < deadline) return failed;
  return absl::DeadlineExceededError(absl::StrCat("no answer by the end of --timeout ", absl::FormatDuration(timeout)));
}

// Encodes, calls, and shows what comes. A signal ends the process while an answer alone is waited for, of a stream the stream.
absl::Status Exchange(const Call& call, const CalledInstance& instance, const MethodDescriptor& method, const TypedCall& typed,
                      absl::Time deadline, StopSignalsBlocked* blocked) {
  const MessageJson messages(method.file()->pool());
  const absl::StatusOr<std::string> request = messages.Encode(*method.input_type(), typed.json, "--data");
  if (!request.ok()) return request.status();
  const bool streams = method.server_streaming();
  const auto show = [&](const std::string& bytes) -> absl::Status {
    const absl::StatusOr<Json> json = messages.Decode(*method.output_type(), bytes);
    if (!json.ok()) return json.status();
    const bool is_name = call.settings.form == OutputForm::kName;
    call.printer.Raw(absl::StrCat(is_name ? instance.id : json->dump(streams ? -1 : kIndent), "\n"));
    return call.printer.status();
  };
  RawGrpcCall raw(instance.channel, absl::StrCat("/", method.service()->full_name(), "/", method.name()), typed.metadata);
  absl::Status done;
  if (streams) {
    done = StreamUntilStopped(*request, show, &raw);
  } else {
    blocked->Release();
    const absl::StatusOr<std::string> answer = raw.Unary(*request, deadline);
    done = answer.ok() ? show(*answer) : Told(answer.status(), deadline, call.settings.timeout);
  }
  if (typed.verbose) {
    call.printer.Note(absl::StrCat("answered by ", instance.id));
    for (const NamedText& one : raw.AnsweredMetadata()) call.printer.Note(absl::StrCat(one.name, ": ", one.value));
  }
  return done.ok() || done == call.printer.status() ? done : OfInstance(instance, done);
}

}  // namespace

GrpcCalling::GrpcCalling(CLI::App* app, Verb* chosen) {
  CLI::App* const verb = app->add_subcommand("call", "call a gRPC method of an instance of a service, as its reflection tells it");
  verb->add_option("METHOD", method_, "SERVICE/package.Service/Method; SERVICE/Method if one of its gRPC services has it")
      ->required()
      ->type_name("");
  data_.Declare(verb, "the request in JSON [{}]");
  verb->add_flag("-v,--verbose", verbose_, "the metadata of the answer too, on standard error");
  choice_.Declare(verb,
                  "the name of the endpoint, else its scheme; default: grpc, else grpcs, else the first; with --service-ca grpcs first");
  SetFooter(
      verb,
      {.text = absl::StrCat(
           "Answers are JSON, those of a stream an object a line, until it ends or Ctrl-C. Values of -H NAME-bin are base64. --timeout\n",
           "holds for all but what a stream takes. Failures have the exit code of their gRPC code, as scoutctl --help lists them."),
       .example = "scoutctl call Printer/printing.v1.PrinterService/Print -d '{\"pages\": 3}'"});
  ChooseOnServer(verb, this, &GrpcCalling::Run, chosen);
}

absl::StatusOr<TypedCall> GrpcCalling::Typed() const {
  absl::StatusOr<CalledMethod> called = ParseCalledMethod(method_);
  if (!called.ok()) return called.status();
  absl::StatusOr<std::vector<NamedText>> metadata = data_.Headers();
  if (metadata.ok()) metadata = CheckMetadata(*std::move(metadata));
  if (!metadata.ok()) return metadata.status();
  const absl::StatusOr<std::optional<std::string>> data = data_.Read();
  if (!data.ok()) return data.status();
  return TypedCall{*std::move(called), *std::move(metadata), data->value_or("{}"), verbose_};
}

absl::Status GrpcCalling::Run(const Call& call) const {
  const absl::StatusOr<TypedCall> typed = Typed();
  if (!typed.ok()) return typed.status();
  // What is typed takes its time.
  const absl::Time deadline = Clock::System().Now() + call.settings.timeout;
  // In all threads that are begun from here on.
  StopSignalsBlocked blocked;
  absl::StatusOr<Locator> locator = OpenLocator(call.connection, call.settings);
  if (!locator.ok()) return locator.status();
  const absl::StatusOr<CalledInstance> instance = PickInstance(typed->called.service, choice_, &*locator);
  if (!instance.ok()) return instance.status();
  ServerReflection reflection(instance->channel, deadline);
  const absl::StatusOr<const MethodDescriptor*> method = FindMethod(typed->called, &reflection);
  // What was typed is wrong, whichever the instance.
  if (absl::IsInvalidArgument(method.status())) return method.status();
  if (!method.ok()) return OfInstance(*instance, Told(method.status(), deadline, call.settings.timeout));
  if ((*method)->client_streaming()) {
    return InvalidField(Reason::kInvalidField, "METHOD", absl::StrCat("takes a stream of requests: ", (*method)->full_name()));
  }
  return Exchange(call, *instance, **method, *typed, deadline, &blocked);
}

}  // namespace scoutlight::cli
