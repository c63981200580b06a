#include "base/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace redraft {
namespace {

using Bytes = std::array<unsigned char, EVP_MAX_MD_SIZE>;
struct Free {
  void operator()(EVP_MD_CTX* ctx) const { EVP_MD_CTX_free(ctx); }
};
using Hasher = std::unique_ptr<EVP_MD_CTX, Free>;

// Looking the algorithm up costs more than hashing a short text: it is done once.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  REDRAFT_CHECK(algorithm);
  return algorithm;
}

Bytes hash(std::string_view bytes) {
  thread_local const Hasher ctx(EVP_MD_CTX_new());
  Bytes out{};
  REDRAFT_CHECK(EVP_DigestInit_ex2(ctx.get(), sha256(), nullptr) == 1 &&
                EVP_DigestUpdate(ctx.get(), bytes.data(), bytes.size()) == 1 &&
                EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1);
  return out;
}

std::string hex(const unsigned char* bytes, std::size_t n) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(2 * n, '0');
  for (std::size_t i = 0; i < n; ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string digest(std::string_view bytes) { return hex(hash(bytes).data(), 16); }

std::uint64_t digest_number(std::string_view bytes) {
  const Bytes h = hash(bytes);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | h[i];
  return number;
}

Result<std::string> file_digest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status(Code::kNotFound, "cannot open " + path + ": " + std::strerror(errno));
  const Hasher ctx(EVP_MD_CTX_new());
  REDRAFT_CHECK(EVP_DigestInit_ex2(ctx.get(), sha256(), nullptr) == 1);
  std::string block(1 << 20, '\0');
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    REDRAFT_CHECK(EVP_DigestUpdate(ctx.get(), block.data(), static_cast<std::size_t>(file.gcount())) == 1);
  }
  if (!file.eof()) return Status(Code::kIo, "cannot read " + path);
  Bytes out{};
  REDRAFT_CHECK(EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1);
  return hex(out.data(), 32);
}

}  // namespace redraft
