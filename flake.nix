{
  description = "mcpipe: five programs and one pipe that load, break and measure MCP servers";

  # The one input, pinned in flake.lock; tests/nix/check.sh puts a stand-in in its place where there is no network.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      # Linux only: pidfds, /proc, and later netem and Swarm.
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      eachSystem = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system} self.packages.${system});

      tools = {
        mcp-deploy = "Gives targets: starts or names MCP servers";
        mcp-chaos = "Breaks MCP servers and networks, and mends them";
        mcp-gen = "Makes load on MCP servers";
        mcp-scrape = "Adds what servers and machines say to the stream";
        mcp-report = "Turns a stream into a report and a verdict";
      };
      pipelines = {
        baseline = "A first load test: five servers of our own, normal load, a report";
        network-partition = "Half of the servers out of reach, segments lost, answers that don't come: what it costs, and how soon it is over";
        service-failure = "One of five servers killed, restarted, frozen: what it costs, and how soon it is over";
      };

      version = (lib.importTOML ./Cargo.toml).workspace.package.version;

      # Every member of the workspace has to be in here, else cargo refuses it; nothing else,
      # so that an edit of a page rebuilds nothing.
      code = [
        ./Cargo.toml
        ./Cargo.lock
        ./clippy.toml
        ./tools
        ./tests/Cargo.toml
        ./tests/bench
        ./tests/src
        ./tests/tests
        # A test is compiled with it: its recipes run as they stand there.
        ./README.md
      ];
      source = lib.fileset.toSource {
        root = ./.;
        fileset = lib.fileset.unions code;
      };
      # What the tests read beside the code.
      sourceAndPages = lib.fileset.toSource {
        root = ./.;
        fileset = lib.fileset.unions (
          code
          ++ [
            ./docs
            ./pipelines
            ./tests/fuzz
          ]
        );
      };
    in
    {
      packages = eachSystem (
        pkgs: _:
        let
          # One compilation for all; the five packages below copy one file each out of it.
          workspace = pkgs.rustPlatform.buildRustPackage {
            pname = "mcpipe";
            inherit version;
            src = source;
            cargoLock.lockFile = ./Cargo.lock;
            strictDeps = true;
            # The tests are checks of their own, so that `nix run` need not wait for them.
            doCheck = false;
            meta = {
              description = "The five mcpipe tools: mcp-deploy, mcp-chaos, mcp-gen, mcp-scrape, mcp-report";
              license = [
                lib.licenses.asl20
                lib.licenses.mit
              ];
              platforms = lib.platforms.linux;
            };
          };
          tool =
            name: description:
            pkgs.runCommand "${name}-${version}"
              {
                pname = name;
                inherit version;
                meta = workspace.meta // {
                  inherit description;
                  mainProgram = name;
                };
              }
              ''
                install -Dm755 ${workspace}/bin/${name} $out/bin/${name}
              '';
          five = lib.mapAttrs tool tools;
          scenario =
            name: description:
            pkgs.writeShellApplication {
              inherit name;
              meta = { inherit description; };
              runtimeInputs = builtins.attrValues five ++ [
                pkgs.bash
                pkgs.coreutils
                pkgs.gawk
                pkgs.gnused
                pkgs.jq
              ];
              text = ''
                exec bash ${./pipelines}/${name} "$@"
              '';
            };
        in
        five
        // lib.mapAttrs scenario pipelines
        // {
          inherit workspace;
          default = workspace;
        }
      );

      apps = eachSystem (
        _: packages:
        let
          app = name: description: {
            type = "app";
            program = lib.getExe packages.${name};
            meta = { inherit description; };
          };
          programs = lib.mapAttrs app (tools // pipelines);
        in
        programs // { default = programs.baseline; }
      );

      checks = eachSystem (
        pkgs: packages:
        let
          # cargo on the vendored crates. HOME is made because nix's own does not exist, and the tools keep
          # their journal below it.
          cargo =
            name: src: inputs: command:
            packages.workspace.overrideAttrs (old: {
              pname = "mcpipe-${name}";
              inherit src;
              nativeBuildInputs = old.nativeBuildInputs or [ ] ++ inputs;
              buildPhase = ''
                export HOME="$NIX_BUILD_TOP/home"
                mkdir -p "$HOME"
                ${command}
              '';
              doCheck = false;
              installPhase = "touch $out";
            });
        in
        {
          inherit (packages) workspace;
          # pipe-tests are left to tests/run: they want other people's servers, and a machine of their own.
          tests = cargo "tests" sourceAndPages [ pkgs.bash ] "cargo test --offline --workspace --exclude pipe-tests";
          clippy = cargo "clippy" sourceAndPages [
            pkgs.clippy
          ] "cargo clippy --offline --workspace --all-targets -- -D warnings";
          fmt =
            pkgs.runCommand "mcpipe-fmt"
              {
                nativeBuildInputs = [
                  pkgs.cargo
                  pkgs.rustfmt
                ];
              }
              ''
                cd ${source} && cargo fmt --all --check && touch $out
              '';
          # The whole pipeline in a sandbox, where loopback is all the network there is. Its order and its
          # completeness are judged; how fast a build machine is, is not (status 3 is INVALID).
          pipeline = pkgs.runCommand "mcpipe-pipeline" { nativeBuildInputs = [ pkgs.jq ]; } ''
            export HOME="$NIX_BUILD_TOP/home" RESULTS_DIR="$NIX_BUILD_TOP/results"
            mkdir -p "$HOME" "$RESULTS_DIR"
            DURATION=3 CLIENT_COUNT=5 MESSAGE_RATE=20 ${lib.getExe packages.baseline} || test $? = 3
            run=$(find "$RESULTS_DIR" -name run.jsonl)
            jq -rs 'map(select(.type == "start").tool) | join(" ")' "$run" > order
            # A tool introduces itself before it passes on what stands upstream of it.
            test "$(cat order)" = "mcp-gen mcp-deploy"
            jq -es 'any(.[]; .type == "summary" and .final) and any(.[]; .type == "end")' "$run"
            cp order $out
          '';
        }
      );

      devShells = eachSystem (
        pkgs: packages: {
          # Everything that tests/run asks for.
          default = pkgs.mkShell {
            inputsFrom = [ packages.workspace ];
            packages = [
              pkgs.cargo
              pkgs.clippy
              pkgs.curl
              pkgs.git
              pkgs.jq
              pkgs.nodejs
              pkgs.python3
              pkgs.rustc
              pkgs.rustfmt
              pkgs.shellcheck
            ];
          };
        }
      );

      formatter = eachSystem (pkgs: _: pkgs.nixfmt-tree);

      overlays.default = final: _: {
        mcpipe = self.packages.${final.stdenv.hostPlatform.system}.workspace;
      };
    };
}
