#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace scoutlight::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Config, DefaultsAreThoseOfTheDocumentation) {
  const ParsedConfig parsed = ParseConfig({});
  ASSERT_TRUE(parsed.config.has_value()) << absl::StrJoin(parsed.errors, "\n");
  EXPECT_EQ(parsed.config->listen.ToString(), "127.0.0.1:7400");
  EXPECT_EQ(parsed.config->data_dir, "./scoutlight-data");
  EXPECT_EQ(parsed.config->backend, Config::Backend::kRocksdb);
  EXPECT_EQ(parsed.config->log_level, LogLevel::kInfo);
  EXPECT_EQ(parsed.config->log_format, LogFormat::kText);
  EXPECT_EQ(parsed.config->history_age, absl::Hours(1));
  EXPECT_EQ(parsed.config->history_bytes, uint64_t{1} << 30);
  EXPECT_EQ(parsed.config->disk_reserve_bytes, uint64_t{64} << 20);
}

TEST(Config, GoodSettingsAreTaken) {
  const ParsedConfig parsed =
      ParseConfig({"--listen=[::1]:0", "--store", "memory", "--log-level=debug", "--log-format=json", "--history-age=90m",
                   "--history-bytes=512KiB", "--disk-reserve=2GiB", "--data-dir=/x", "--insecure"});
  ASSERT_TRUE(parsed.config.has_value()) << absl::StrJoin(parsed.errors, "\n");
  EXPECT_EQ(parsed.config->listen.host, "::1");
  EXPECT_EQ(parsed.config->listen.port, 0);
  EXPECT_EQ(parsed.config->backend, Config::Backend::kMemory);
  EXPECT_EQ(parsed.config->log_level, LogLevel::kDebug);
  EXPECT_EQ(parsed.config->log_format, LogFormat::kJson);
  EXPECT_EQ(parsed.config->history_age, absl::Minutes(90));
  EXPECT_EQ(parsed.config->history_bytes, 512u * 1024);
  EXPECT_EQ(parsed.config->disk_reserve_bytes, uint64_t{2} << 30);
  EXPECT_EQ(parsed.config->data_dir, "/x");
  EXPECT_TRUE(parsed.config->insecure);
}

TEST(Config, EtcdIsUnderstood) {
  const ParsedConfig parsed = ParseConfig({"--store=etcd://a:2379,b:2379"});
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_EQ(parsed.config->backend, Config::Backend::kEtcd);
  EXPECT_THAT(parsed.config->etcd.endpoints, ElementsAre("a:2379", "b:2379"));
  EXPECT_EQ(parsed.config->etcd.prefix, "scoutlight/");
}

TEST(Config, EtcdTakesAPrefixAUserAndTls) {
  const ParsedConfig parsed = ParseConfig({"--store=etcd://[::1]:2379/team/one", "--etcd-user=u", "--etcd-password-file=p",
                                           "--etcd-ca-file=ca", "--etcd-cert-file=c", "--etcd-key-file=k"});
  ASSERT_TRUE(parsed.config.has_value()) << absl::StrJoin(parsed.errors, "\n");
  const EtcdSettings& etcd = parsed.config->etcd;
  EXPECT_THAT(etcd.endpoints, ElementsAre("[::1]:2379"));
  EXPECT_EQ(etcd.prefix, "team/one/");
  EXPECT_EQ(etcd.user, "u");
  EXPECT_EQ(etcd.password_file, "p");
  EXPECT_EQ(etcd.ca_file, "ca");
  EXPECT_EQ(etcd.certificate_file, "c");
  EXPECT_EQ(etcd.key_file, "k");
}

TEST(Config, EveryMistakeIsNamed) {
  struct Case {
    std::vector<std::string> arguments;
    std::string error;
  };
  const Case kCases[] = {
      {{"--listen=7400"}, "there is no port"},
      {{"--listen=:7400"}, "there is no host"},
      {{"--listen=::1:7400"}, "stands in brackets"},
      {{"--listen=[::g]:7400"}, "no IPv6 address"},
      {{"--listen=127.0.0.1:65536"}, "from 0 to 65535"},
      {{"--listen=0.0.0.0:7400"}, "--insecure"},
      {{"--listen=registry.example:7400"}, "--insecure"},
      {{"--store=redis"}, "--store=redis: must be rocksdb, memory or etcd"},
      {{"--store=etcd://"}, "--store=etcd://: of etcd's endpoint: "},
      {{"--store=etcd:a:1"}, "--store=etcd:a:1: must be etcd://HOST:PORT"},
      {{"--store=etcd://a"}, "there is no port"},
      {{"--store=etcd://a:0"}, "port 0"},
      {{"--store=etcd://a:1,a:1"}, "a:1 is given twice"},
      {{"--store=etcd://a:1/" + std::string(129, 'p')}, "129 bytes long, at most 128"},
      {{"--store=etcd://a:1/p p"}, "not printable"},
      {{"--etcd-user=u"}, "go with --store=etcd"},
      {{"--store=etcd://a:1", "--etcd-user=u"}, "--etcd-user and --etcd-password-file go together"},
      {{"--store=etcd://a:1", "--etcd-key-file=k"}, "--etcd-cert-file and --etcd-key-file go together"},
      {{"--store=etcd://a:1", "--etcd-cert-file=c", "--etcd-key-file=k"}, "--etcd-cert-file needs --etcd-ca-file"},
      {{"--restore-only"}, "--restore-only needs --restore"},
      {{"--store=memory", "--restore=b", "--restore-only"}, "not with --store=memory"},
      {{"--log-level=loud"}, "--log-level=loud: must be one of debug, info, warn, error"},
      {{"--log-format=xml"}, "--log-format=xml: must be one of text, json"},
      {{"--tls-cert=a.pem"}, "--tls-cert and --tls-key go together"},
      {{"--tls-key=a.pem"}, "--tls-cert and --tls-key go together"},
      {{"--tls-client-ca=a.pem"}, "--tls-client-ca needs"},
      {{"--history-age=soon"}, "--history-age=soon: must be a duration"},
      {{"--history-age=-1h"}, "--history-age=-1h: must be a duration"},
      {{"--history-age=inf"}, "--history-age=inf: must be a duration"},
      {{"--history-bytes=1MB"}, "--history-bytes=1MB: must be a number of bytes"},
      {{"--history-bytes=-1"}, "--history-bytes=-1: must be a number of bytes"},
      {{"--disk-reserve=99999999999GiB"}, "--disk-reserve=99999999999GiB: must be"},
      {{"--disk-reserve=16383KiB"}, "--disk-reserve=16383KiB: must be at least 16MiB"},
      {{"--data-dir="}, "--data-dir"},
      {{"--colour"}, "--colour: no such flag"},
      {{"serve"}, "serve: no such flag"},
  };
  for (const Case& each : kCases) {
    SCOPED_TRACE(absl::StrJoin(each.arguments, " "));
    const ParsedConfig parsed = ParseConfig(each.arguments);
    EXPECT_FALSE(parsed.config.has_value());
    EXPECT_EQ(parsed.exit_code, 2);
    ASSERT_EQ(parsed.errors.size(), 1u) << absl::StrJoin(parsed.errors, "\n");
    EXPECT_THAT(parsed.errors[0], HasSubstr(each.error));
  }
}

TEST(Config, AllMistakesComeAtOnce) {
  const ParsedConfig parsed = ParseConfig({"--listen=x", "--store=y", "--log-level=z", "--what", "--disk-reserve=much"});
  EXPECT_EQ(parsed.errors.size(), 5u) << absl::StrJoin(parsed.errors, "\n");
}

TEST(Config, TlsNeedsNoInsecure) {
  EXPECT_TRUE(ParseConfig({"--listen=0.0.0.0:1", "--tls-cert=a", "--tls-key=b"}).config.has_value());
  EXPECT_TRUE(ParseConfig({"--listen=0.0.0.0:1", "--insecure"}).config.has_value());
  for (const char* loopback : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(ParseConfig({"--listen", loopback}).config.has_value()) << loopback;
  }
}

TEST(Config, EnvironmentIsTakenAndTheFlagWins) {
  setenv("SCOUTLIGHT_LOG_LEVEL", "error", 1);
  setenv("SCOUTLIGHT_DATA_DIR", "/from/env", 1);
  setenv("SCOUTLIGHT_INSECURE", "true", 1);
  const ParsedConfig parsed = ParseConfig({"--log-level=warn"});
  setenv("SCOUTLIGHT_STORE", "nonsense", 1);
  const ParsedConfig wrong = ParseConfig({});
  for (const char* name : {"SCOUTLIGHT_LOG_LEVEL", "SCOUTLIGHT_DATA_DIR", "SCOUTLIGHT_INSECURE", "SCOUTLIGHT_STORE"}) unsetenv(name);
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_EQ(parsed.config->log_level, LogLevel::kWarn);
  EXPECT_EQ(parsed.config->data_dir, "/from/env");
  EXPECT_TRUE(parsed.config->insecure);
  EXPECT_EQ(wrong.exit_code, 2);
}

TEST(Config, VersionAndHelpGoToStdout) {
  const ParsedConfig version = ParseConfig({"--version"});
  EXPECT_FALSE(version.config.has_value());
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, HasSubstr("scoutlightd 0."));
  const ParsedConfig help = ParseConfig({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("SCOUTLIGHT_HISTORY_AGE"));
}

TEST(Config, EveryFlagIsShownAsASetting) {
  std::vector<std::string> flags;
  for (const absl::string_view line : absl::StrSplit(ParseConfig({"--help"}).output, '\n')) {
    absl::string_view flag = absl::StripLeadingAsciiWhitespace(line);
    if (const size_t comma = flag.find(",--"); comma != flag.npos) flag.remove_prefix(comma + 1);
    if (!absl::ConsumePrefix(&flag, "--")) continue;
    flags.emplace_back(flag.substr(0, flag.find_first_of(" =[")));
  }
  std::vector<std::string> shown = {"help", "version"};
  for (const auto& [name, unused] : SettingsOf(Config())) shown.push_back(name);
  EXPECT_THAT(shown, ::testing::UnorderedElementsAreArray(flags));
}

}  // namespace
}  // namespace scoutlight::server
