# A tiny `pkgs`: every derivation is a plain builtins.derivation whose builder is the
# host's bash and whose PATH ends in the host's tools (hence sandbox = false).
{
  lib,
  system,
  host,
}:
let
  inherit (lib) optionalString concatStringsSep makeBinPath escapeShellArg;

  # Attributes that are not put into the build environment.
  notEnv = [
    "meta" "passthru" "src" "nativeBuildInputs" "buildInputs" "cargoLock" "doCheck" "strictDeps"
    "unpackPhase" "configurePhase" "buildPhase" "checkPhase" "installPhase" "postInstall"
  ];

  # A result is a derivation plus meta/passthru and the two override functions.
  mkDerivation =
    args:
    let
      name = args.name or "${args.pname}-${args.version}";
      tools = args.nativeBuildInputs or [ ] ++ args.buildInputs or [ ];
      phaseText =
        p:
        if p == "unpackPhase" && args ? src then
          args.unpackPhase or ''cp -r --no-preserve=mode,ownership "$src" source; cd source''
        else
          args.${p} or "";
      phases =
        [ "unpackPhase" "configurePhase" "buildPhase" ]
        ++ (if args.doCheck or false then [ "checkPhase" ] else [ ])
        ++ [ "installPhase" "postInstall" ];
      script = ''
        set -eu -o pipefail
        export PATH=${optionalString (tools != [ ]) "${makeBinPath tools}:"}${host.path}
        export HOME="$NIX_BUILD_TOP" SOURCE_DATE_EPOCH=1
        cd "$NIX_BUILD_TOP"
        ${concatStringsSep "\n" (map (p: ''
          echo "== ${p}"
          eval ${escapeShellArg (phaseText p)}
        '') phases)}
      '';
      drv = derivation (
        removeAttrs args notEnv
        // (if args ? src then { src = "${args.src}"; } else { })
        // {
          inherit name system script;
          passAsFile = [ "script" ];
          builder = host.bash;
          args = [ "-c" ". $scriptPath" ];
        }
      );
    in
    drv
    // {
      meta = args.meta or { };
      passthru = args.passthru or { };
      nativeBuildInputs = args.nativeBuildInputs or [ ];
      buildInputs = args.buildInputs or [ ];
      version = args.version or "";
      pname = args.pname or name;
      overrideAttrs =
        f: mkDerivation (args // (if builtins.isFunction f then f args else f));
    }
    // args.passthru or { };

  runCommand =
    name: env: text:
    mkDerivation (env // { inherit name; buildPhase = text; });

  # A folder whose bin/ holds links to host tools; stands for a packaged tool.
  hostTool =
    pname: bins:
    mkDerivation {
      inherit pname;
      version = "host";
      meta.mainProgram = builtins.head bins;
      buildPhase = ''
        mkdir -p $out/bin
        for b in ${toString bins}; do
          if p=$(type -P "$b"); then ln -s "$p" $out/bin/; else echo "no $b on this host" >&2; exit 1; fi
        done
      '';
    };

  # Only what the host build of a workspace needs: the same arguments as nixpkgs'
  # buildRustPackage, but crates come from the host's CARGO_HOME, offline.
  cargoEnv = ''
    # A home of our own: cargo looks in $CARGO_HOME/bin before PATH and would find rustup's shims.
    export CARGO_HOME="$NIX_BUILD_TOP/cargo-home" CARGO_NET_OFFLINE=true CARGO_INCREMENTAL=0
    mkdir "$CARGO_HOME"
    for f in registry git config.toml; do
      if [ -e ${host.cargoHome}/$f ]; then ln -s ${host.cargoHome}/$f "$CARGO_HOME/"; fi
    done
    export CARGO_TARGET_DIR="$NIX_BUILD_TOP/target"
    echo "using ${host.rustc}"
  '';
  buildRustPackage =
    args:
    assert args ? cargoLock.lockFile || args ? cargoHash || throw "buildRustPackage: no cargoLock/cargoHash";
    let
      lock = builtins.fromTOML (builtins.readFile args.cargoLock.lockFile);
      git = builtins.filter (p: builtins.substring 0 4 (p.source or "") == "git+") lock.package;
      known = args.cargoLock.outputHashes or { };
      unhashed = builtins.filter (p: !(known ? "${p.name}-${p.version}")) git;
    in
    # The real importCargoLock has the same demand: a hash for each git dependency.
    assert unhashed == [ ] || throw "outputHashes lacks ${toString (map (p: p.name) unhashed)}";
    mkDerivation (
      {
        doCheck = true;
        configurePhase = ''
          ${cargoEnv}
          cmp Cargo.lock ${args.cargoLock.lockFile}
        '';
        buildPhase = ''cargo build --release --locked --offline ${toString (args.cargoBuildFlags or [ ])}'';
        checkPhase = ''cargo test --release --locked --offline ${toString (args.cargoTestFlags or [ ])}'';
        installPhase = ''
          mkdir -p $out/bin
          find "$CARGO_TARGET_DIR/release" -maxdepth 1 -type f -executable ! -name '*.so' \
            -exec install -m755 -t $out/bin {} +
        '';
      }
      // args
    );

  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      meta ? { },
      derivationArgs ? { },
      excludeShellChecks ? [ ],
    }:
    mkDerivation {
      inherit name;
      meta = meta // { mainProgram = name; };
      body = ''
        #!${host.bash}
        set -o errexit
        set -o nounset
        set -o pipefail
        ${optionalString (runtimeInputs != [ ]) ''export PATH="${makeBinPath runtimeInputs}:$PATH"''}

        ${text}
      '';
      buildPhase = ''
        mkdir -p $out/bin
        printf '%s' "$body" > $out/bin/${name}
        chmod 755 $out/bin/${name}
        ${host.bash} -n $out/bin/${name}
        if command -v shellcheck >/dev/null; then shellcheck $out/bin/${name}; fi
      '';
    };
in
{
  inherit lib system runCommand writeShellApplication;
  stdenv = {
    inherit mkDerivation;
    hostPlatform = { inherit system; isLinux = true; };
  };
  rustPlatform = { inherit buildRustPackage; };
  mkShell =
    {
      packages ? [ ],
      inputsFrom ? [ ],
      shellHook ? "",
      ...
    }:
    let
      tools = packages ++ builtins.concatMap (p: p.nativeBuildInputs ++ p.buildInputs) inputsFrom;
    in
    mkDerivation {
      name = "nix-shell";
      inherit shellHook;
      outputs = [ "out" ];
      # `nix develop` sources $stdenv/setup and keeps the environment that results.
      stdenv = runCommand "setup" { } ''
        mkdir $out
        echo 'export PATH=${makeBinPath tools}:${host.path}' > $out/setup
      '';
      buildPhase = "touch $out";
    };
  cargo = hostTool "cargo" [ "cargo" ];
  rustc = hostTool "rustc" [ "rustc" ];
  clippy = hostTool "clippy" [ "cargo-clippy" "clippy-driver" ];
  rustfmt = hostTool "rustfmt" [ "rustfmt" "cargo-fmt" ];
  nixfmt-tree = hostTool "nixfmt-tree" [ "true" ]; # not in Debian; the output only has to exist
  bash = hostTool "bash" [ "bash" ];
  bashInteractive = hostTool "bash" [ "bash" ]; # `nix develop` asks for it
  coreutils = hostTool "coreutils" [
    "cat"
    "date"
    "dirname"
    "head"
    "mkdir"
    "rm"
    "sleep"
    "tee"
  ];
  curl = hostTool "curl" [ "curl" ];
  gawk = hostTool "gawk" [ "awk" ];
  gnused = hostTool "gnused" [ "sed" ];
  git = hostTool "git" [ "git" ];
  jq = hostTool "jq" [ "jq" ];
  nodejs = hostTool "nodejs" [
    "node"
    "npm"
  ];
  python3 = hostTool "python3" [ "python3" ];
  shellcheck = hostTool "shellcheck" [ "shellcheck" ];
}
