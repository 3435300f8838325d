#pragma once

#include <string>

namespace holdfast::app {

// `holdfast fast-files --directory DIR`: shows the channels in FastFile mode of one attempt to its program. Started by
// the attempt's agent, which it hears through the socket agent::kFastFileSocket, and ends with it.
int fast_files_main(const std::string& directory);

}  // namespace holdfast::app
